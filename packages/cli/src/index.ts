export { main } from './main.js';
export { standardLab, type LabOptions } from './standard-lab.js';
export type { Terminal } from './terminal.js';
