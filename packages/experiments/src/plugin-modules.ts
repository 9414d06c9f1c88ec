/** Plugins named by module: how a run in another process, or a command line, gets plugins that are functions. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ContainerModule } from 'inversify';
import { LoranError, type Plugin } from '@loran/plugin';

/**
 * Every plugin, and every inversify module, that a module exports by any name. './snake.js' is looked for from the working
 * directory, 'my-package' as an import. It runs the module: name only what you trust. Throws PLUGIN_NOT_LOADED.
 */
export async function loadPlugins(specifier: string): Promise<(Plugin | ContainerModule)[]> {
  const isFile = specifier.startsWith('.') || path.isAbsolute(specifier);
  let exported: Record<string, unknown>;
  try {
    exported = (await import(isFile ? pathToFileURL(path.resolve(specifier)).href : specifier)) as typeof exported;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LoranError('PLUGIN_NOT_LOADED', `The plugin module '${specifier}' could not be imported: ${reason}`, {
      cause,
    });
  }
  const found = Object.values(exported).filter(isAddition);
  if (found.length > 0) return found;
  throw new LoranError(
    'PLUGIN_NOT_LOADED',
    `The module '${specifier}' exports no plugin. Export the value itself: export const snake = defineActivation({ … }).`,
  );
}

function isAddition(value: unknown): value is Plugin | ContainerModule {
  if (value instanceof ContainerModule) return true;
  return (
    typeof value === 'object' && value !== null && 'kind' in value && 'name' in value && typeof value.name === 'string'
  );
}
