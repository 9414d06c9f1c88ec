export { vera } from './vera.js';
export { veraConfig, type VeraConfig, type VeraOptions } from './vera-config.js';
