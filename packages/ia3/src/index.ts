export { ia3 } from './ia3.js';
export { ia3Config, type Ia3Config, type Ia3Options } from './ia3-config.js';
