/** One module of a model as a merge would leave it: for writing a merged model module by module, never two copies of it. */
import type { AdapterSet } from './adapter-set.js';
import type { FrozenWeight } from './contract/frozen-weight.js';
import { mergedWeight } from './merge.js';
import type { Slot } from './slot.js';

export interface MergedModule {
  readonly weight: FrozenWeight;
  /** Frees what was made for the merge; the model's own weights stay. */
  release(): void;
}

/** Whether adapters change what the slot computes. */
export const isAdapted = (slot: Slot): boolean => slot.mergedWeight !== undefined || slot.active().size > 0;

/**
 * Weight and bias of a module with the active adapters' updates added, the weight dequantised. `undefined`: it has no such
 * module, or one in fp32 without adapters, which the model's files hold more exactly.
 *
 * Throws NON_FINITE when an adapter has diverged.
 */
export async function mergedModule(adapters: AdapterSet, path: string): Promise<MergedModule | undefined> {
  const slot = adapters.model.modules().get(path);
  if (slot === undefined) return undefined;
  if (slot.mergedWeight !== undefined) return borrowed(slot.mergedWeight);
  const layers = [...slot.active()].map(([name, layer]) => [layer, adapters.get(name).scale] as const);
  if (layers.length === 0) return slot.frozen.storage === 'fp32' ? undefined : borrowed(slot.frozen);
  const { weight } = await mergedWeight(path, slot.frozen, layers);
  return { weight, release: () => weight.dispose() };
}

const borrowed = (weight: FrozenWeight): MergedModule => ({ weight, release: () => {} });
