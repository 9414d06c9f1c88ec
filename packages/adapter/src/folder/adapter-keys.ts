/**
 * The names of an adapter's tensors in its file: 'base_model.model.' + module path + '.' + the format's suffix.
 * A module trained whole keeps its own parameter names behind its path.
 */
import type { Tensor } from '@tensorflow/tfjs-core';
import { LoranError } from '@loran/plugin';
import type { Adapter } from '../adapter.js';
import type { AdapterFormat, AdapterLayer } from '../contract/adapter-method.js';

export const prefix = 'base_model.model.';

/**
 * Key in the file -> tensor to assign to, or to write from, where `parametersOf` a layer may be those of another form. Throws
 * NO_FILE_KEY for a parameter the format cannot name.
 */
export function adapterTensors(
  adapter: Adapter,
  format: AdapterFormat<unknown>,
  parametersOf: (layer: AdapterLayer) => ReadonlyMap<string, Tensor> = (layer) => layer.parameters,
): ReadonlyMap<string, Tensor> {
  const named = (layer: AdapterLayer) => [...parametersOf(layer), ...(layer.buffers ?? [])];
  const tensors = new Map<string, Tensor>();
  for (const [path, layer] of adapter.layers) {
    for (const [name, tensor] of named(layer)) {
      const suffix = format.suffixes.get(name);
      if (suffix === undefined) {
        throw new LoranError(
          'NO_FILE_KEY',
          `The format '${format.name}' of '${adapter.method.name}' has no key for the parameter '${name}' of '${path}'.`,
        );
      }
      tensors.set(`${prefix}${path}.${suffix}`, tensor);
    }
  }
  for (const [path, layer] of adapter.savedModules) {
    for (const [name, tensor] of named(layer)) tensors.set(`${prefix}${path}.${name}`, tensor);
  }
  return tensors;
}
