/** The plugins that an adapter is made with: its method, those that its configuration holds, and those that it looked up by name. */
import type { Plugin } from '@loran/plugin';
import type { Context } from './contract/adapter-method.js';

export interface PluginsUsed {
  readonly resolve: Context['resolve'];
  /** So far, without the method. */
  list(): readonly Plugin[];
}

/** Looks plugins up with `resolve`, and remembers them. */
export function rememberPlugins(config: unknown, resolve: Context['resolve']): PluginsUsed {
  const used = new Set(pluginsWithin(config));
  return {
    resolve(kind, name) {
      const plugin = resolve(kind, name);
      used.add(plugin);
      return plugin;
    },
    list: () => [...used],
  };
}

function pluginsWithin(value: unknown): Plugin[] {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return [];
  if (isPlugin(value)) return [value];
  return Object.values(value).flatMap(pluginsWithin);
}

const isPlugin = (value: object): value is Plugin =>
  ['kind', 'name', 'package', 'version'].every((field) => field in value);
