export { peanut } from './peanut.js';
export { peanutConfig, type PeanutConfig, type PeanutOptions } from './peanut-config.js';
