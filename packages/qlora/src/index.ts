export { nf4Codebook } from './codebook.js';
export { createNf4, nf4, type Nf4Options } from './nf4.js';
