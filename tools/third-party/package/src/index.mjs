/** What the package gives: three plugins, each a plain value for `use()`. */
export { hadamard } from './hadamard.mjs';
export { int16 } from './int16.mjs';
export { softsign } from './softsign.mjs';
