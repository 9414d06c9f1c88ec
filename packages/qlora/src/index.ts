export { fp4Codebook, nf4Codebook } from './codebook.js';
export type { FourBitOptions } from './four-bit-storage.js';
export { createFp4, fp4 } from './fp4.js';
export { int8 } from './int8.js';
export { createNf4, nf4 } from './nf4.js';
