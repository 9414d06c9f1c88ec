export { loran } from './loran.js';
export { loranConfig, type LoranConfig, type LoranOptions } from './loran-config.js';
export { loranPaper, loranPresets, sineLora } from './presets.js';
