/**
 * A new adapter from several: their updates weighted, combined and written as factors, module by module.
 *
 * The adapters may be on different modules; at each the ones that are there are combined. The new adapter is added and switched
 * off, so that the model goes on with what it had. Results are PEFT's (add_weighted_adapter), except that rsLoRA adapters do not
 * make the new one √rank times too large.
 */
import { LoranError } from '@loran/plugin';
import { randomStream } from '@loran/tensor';
import type { Adapter } from '../adapter.js';
import type { AdapterSet } from '../adapter-set.js';
import { adapterStatus } from '../adapter-status.js';
import { addFactored } from '../folder/factored-layers.js';
import { type CombinedLayer, combinedLayer, type Part } from './combined-layer.js';
import { checkedCombination, type CombineOptions } from './combine-options.js';

export interface CombinedAdapter {
  readonly adapter: Adapter;
  /** Module path -> ‖X − BA‖ / ‖X‖, the share of the combined update X that cutting it to its rank took; 0 where nothing was cut. */
  readonly lost: ReadonlyMap<string, number>;
}

/**
 * Throws INVALID_COMBINATION (an option), UNKNOWN_ADAPTER, ADAPTER_EXISTS, ALREADY_MERGED, NOT_COMBINABLE, NOT_FACTORED,
 * RANK_MISMATCH, NON_FINITE, NO_FACTORED_METHOD; the model is then as it was.
 */
export async function combineAdapters(set: AdapterSet, options: CombineOptions): Promise<CombinedAdapter> {
  const { density = 1, election = 'total', rank, seed = 0, name } = options;
  const rule = { ...checkedCombination(options), density, election, rank };
  set.refuseUnlessFree(name);
  const adapters = options.adapters.map((own) => set.get(own));
  for (const adapter of adapters) refuse(set, adapter);
  const weights: number[] = [];
  for (const [k, { scale }] of adapters.entries()) {
    weights.push(options.weights[k]! * (typeof scale === 'number' ? scale : (await scale.data<'float32'>())[0]!));
  }

  const layers = new Map<string, CombinedLayer>();
  for (const [path, { frozen }] of set.model.modules()) {
    const parts = adapters.flatMap(({ name: adapter, layers }, k): Part[] => {
      const layer = layers.get(path);
      const random = randomStream(seed).derive(k).derive(path);
      return layer === undefined ? [] : [{ adapter, layer, weight: weights[k]!, random }];
    });
    const { kind, rows, columns } = frozen;
    if (parts.length > 0) layers.set(path, await combinedLayer({ path, kind, rows, columns }, parts, rule));
  }

  const adapter = await addFactored(set, layers, {
    methods: [...adapters.map(({ method }) => method), ...(options.methods ?? [])],
    scaling: 1,
    name,
    file: `The combination '${name}'`,
    active: false,
  });
  return { adapter, lost: new Map([...layers].map(([path, { lost }]) => [path, lost])) };
}

function refuse({ model }: AdapterSet, adapter: Adapter): void {
  const { name, savedModules, replaces } = adapterStatus(model, adapter);
  if (savedModules.length === 0 && replaces.length === 0) return;
  const what =
    savedModules.length > 0
      ? `trains ${savedModules.join(', ')} whole`
      : `replaced the frozen weight of ${replaces[0]}, on which its update alone makes sense`;
  throw new LoranError(
    'NOT_COMBINABLE',
    `'${name}' ${what}; only updates of the same frozen weights can be combined. Leave it out, or merge it into the model.`,
  );
}
