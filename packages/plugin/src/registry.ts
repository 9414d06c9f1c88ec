/**
 * Plugins of one kind by name. An instance, never global: two experiments in one process may know different plugins.
 */
import { LoranError } from './loran-error.js';
import { nearest } from './nearest.js';
import type { Plugin, PluginKind } from './plugin.js';

export class Registry<T extends Plugin> {
  readonly kind: PluginKind;
  readonly #plugins = new Map<string, T>();

  constructor(kind: PluginKind, plugins: Iterable<T> = []) {
    this.kind = kind;
    for (const plugin of plugins) this.add(plugin);
  }

  /** Adds a plugin. Adding the same value again does nothing; another value under a taken name throws DUPLICATE_PLUGIN. */
  add(plugin: T): this {
    const known = this.#plugins.get(plugin.name);
    if (known !== undefined && known !== plugin) throw new DuplicatePluginError(this.kind, plugin, known);
    this.#plugins.set(plugin.name, plugin);
    return this;
  }

  /** The plugin called `name`; throws UNKNOWN_PLUGIN, which lists the known and suggests the nearest. */
  get(name: string): T {
    const plugin = this.#plugins.get(name);
    if (plugin === undefined) throw new UnknownPluginError(this.kind, name, [...this.#plugins.keys()]);
    return plugin;
  }

  has(name: string): boolean {
    return this.#plugins.has(name);
  }

  /** All plugins, in the order they were added. */
  list(): readonly T[] {
    return [...this.#plugins.values()];
  }
}

/** Two plugins of one kind claim the same name. */
export class DuplicatePluginError extends LoranError<'DUPLICATE_PLUGIN'> {
  constructor(kind: PluginKind, added: Plugin, known: Plugin) {
    super(
      'DUPLICATE_PLUGIN',
      `The ${kind} '${added.name}' (${origin(added)}) is already registered (${origin(known)}). ` +
        'Give one of them another name, or register only one.',
    );
  }
}

/** No plugin of this kind has that name. */
export class UnknownPluginError extends LoranError<'UNKNOWN_PLUGIN'> {
  constructor(kind: PluginKind, name: string, known: readonly string[]) {
    const near = nearest(name, known);
    super(
      'UNKNOWN_PLUGIN',
      `Unknown ${kind} '${name}'. ` +
        (near.length > 0 ? `Did you mean ${near.map((n) => `'${n}'`).join(' or ')}? ` : '') +
        `Known: ${known.join(', ') || 'none'}. A plugin of your own is registered with use().`,
    );
  }
}

function origin({ package: from, version }: Plugin): string {
  return from === null ? 'defined in this process' : `${from}@${version ?? 'unknown'}`;
}
