export { hira } from './hira.js';
export { hiraConfig, type HiraConfig, type HiraOptions } from './hira-config.js';
