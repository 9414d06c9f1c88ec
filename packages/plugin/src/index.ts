export { LoranError } from './loran-error.js';
export { nearest } from './nearest.js';
export type { Plugin, PluginKind } from './plugin.js';
export { DuplicatePluginError, Registry, UnknownPluginError } from './registry.js';
