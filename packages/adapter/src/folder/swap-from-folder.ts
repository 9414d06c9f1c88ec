/** Other values for an adapter, read from a folder: the adapter is loaded beside the model first, where it can fail. */
import type { Adapter } from '../adapter.js';
import { AdapterSet } from '../adapter-set.js';
import type { Adaptable } from '../contract/adaptable.js';
import { Slot } from '../slot.js';
import { refuseSwapInto } from '../swap-adapter.js';
import { loadAdapter, type LoadAdapterOptions } from './load-adapter.js';

/**
 * Replaces the values of the set's adapter `name` by those of the adapter in `folder`, ours or PEFT's, as `AdapterSet.swap` does;
 * its `warnings` become those of the folder, such as another base. For a moment both are in memory.
 *
 * Throws what `loadAdapter` and `AdapterSet.swap` throw; the model is then as it was.
 */
export async function swapAdapter(
  set: AdapterSet,
  name: string,
  folder: string,
  options: Omit<LoadAdapterOptions, 'name'>,
): Promise<Adapter> {
  refuseSwapInto(set.model, set.get(name)); // before a file is read
  const beside = new AdapterSet(besideOf(set.model));
  const loaded = await loadAdapter(beside, folder, { ...options, name });
  try {
    refuseSwapInto(beside.model, loaded); // values for a frozen weight that it would replace
    return await set.swap(name, loaded);
  } finally {
    beside.clear();
  }
}

/** The same frozen weights, in slots without adapters. */
function besideOf(model: Adaptable): Adaptable {
  const slots = new Map([...model.modules()].map(([path, { original }]) => [path, new Slot(path, original)]));
  const { outputHead, conv1d, tied, fingerprint } = model;
  return {
    modules: () => slots,
    original: (path) => model.original?.(path),
    ...(outputHead === undefined ? {} : { outputHead }),
    ...(conv1d === undefined ? {} : { conv1d }),
    ...(tied === undefined ? {} : { tied }),
    ...(fingerprint === undefined ? {} : { fingerprint }),
  };
}
