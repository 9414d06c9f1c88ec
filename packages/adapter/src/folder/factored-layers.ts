/**
 * Adapters as plain products of two factors, scaling · B·A, in which other programs keep them: what can be written so, and how
 * such a file becomes an adapter. No method's name is needed; a layer says whether it is one.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Variable } from '@tensorflow/tfjs-core';
import { LoranError } from '@loran/plugin';
import type { Adapter } from '../adapter.js';
import type { AdapterSet } from '../adapter-set.js';
import type { AdapterMethod, FactoredUpdate } from '../contract/adapter-method.js';
import { ShapeMismatchError } from '../errors/shape-mismatch.js';
import { namesFor } from '../target-modules.js';

/** The factors of one module, row-major. */
export interface FactoredLayer {
  readonly A: Float32Array; // [rank, in]; embedding [rank, vocabulary]
  readonly B: Float32Array; // [out, rank]; embedding [width, rank]
  readonly rank: number;
}

/**
 * Module path -> factors, with the scaling that goes with them. `format`: what they are for, as the error names it.
 *
 * Throws NOT_FACTORED when an update is no plain product, or when whole modules were trained; NON_FINITE.
 */
export async function factoredLayers(
  adapter: Adapter,
  format: string,
): Promise<ReadonlyMap<string, FactoredLayer & { readonly scaling: number }>> {
  const refuse = (what: string) =>
    new LoranError(
      'NOT_FACTORED',
      `The adapter '${adapter.name}' (${adapter.method.name}) cannot be written as ${format}: ${what}, but such a file holds products of two factors only. Merge it into its model and write that.`,
    );
  if (adapter.savedModules.size > 0) throw refuse(`it trains ${[...adapter.savedModules.keys()].join(', ')} whole`);
  const layers = new Map<string, FactoredLayer & { readonly scaling: number }>();
  for (const [path, layer] of adapter.layers) {
    if (layer.factored === undefined) throw refuse(`its update of ${path} is no plain product`);
    const { A, B, scaling, release } = layer.factored();
    try {
      layers.set(path, { A: await finite(path, A), B: await finite(path, B), rank: A.shape[0], scaling });
    } finally {
      release?.();
    }
  }
  return layers;
}

/**
 * Adds an adapter of these factors to the set, by the first of `methods` that has such a form. `format`: where they are from.
 *
 * Ranks may differ from module to module. Throws NO_FACTORED_METHOD, UNKNOWN_MODULE, SHAPE_MISMATCH; the model is then as it was.
 */
export async function addFactored(
  set: AdapterSet,
  layers: ReadonlyMap<string, FactoredLayer>,
  options: {
    readonly methods: Iterable<AdapterMethod>;
    readonly scaling: number;
    readonly dropout?: number;
    readonly name?: string;
    readonly file: string;
    /** Modules to be trained whole beside them; see AdapterOptions. */
    readonly modulesToSave?: readonly string[];
    readonly ensureWeightTying?: boolean;
    /** Whether the model computes with it from now on; default true. */
    readonly active?: boolean;
  },
): Promise<Adapter> {
  const { scaling, dropout = 0, name, file, modulesToSave = [], ensureWeightTying = false, active = true } = options;
  const method = [...options.methods].find(({ factoredConfig }) => factoredConfig !== undefined);
  if (method?.factoredConfig === undefined) {
    throw new LoranError(
      'NO_FACTORED_METHOD',
      `${file} holds factors of updates, which no method at hand computes. Register @loran/lora.`,
    );
  }
  const modules = set.model.modules();
  const strange = [...layers.keys()].filter((path) => !modules.has(path));
  if (strange.length > 0 || layers.size === 0) {
    throw new LoranError(
      'UNKNOWN_MODULE',
      `${file} adapts ${strange.slice(0, 3).join(', ') || 'no module'}${strange.length > 3 ? ` and ${strange.length - 3} more` : ''}, which this model does not have; it has, for example, ${[...modules.keys()].slice(0, 3).join(', ')}. Is it the base that the adapter was made for?`,
    );
  }
  const rank = commonest([...layers.values()].map((layer) => layer.rank));
  const others = [...layers].filter(([, layer]) => layer.rank !== rank);
  const ranks = new Map(others.map(([path, layer]) => [path, layer.rank]));
  const adapter = await set.add({
    method,
    config: method.factoredConfig({ rank, scaling, dropout, ranks }),
    targetModules: namesFor(set.model, [...layers.keys()]),
    modulesToSave,
    ensureWeightTying,
    ...(name === undefined ? {} : { name }),
  });
  try {
    for (const [path, { A, B }] of layers) {
      const own = adapter.layers.get(path)!.factored!();
      assign(`${path}.A`, own.A, A);
      assign(`${path}.B`, own.B, B);
    }
  } catch (error) {
    set.remove(adapter.name, { force: true });
    throw error;
  }
  if (!active) switchOff(set, adapter.name);
  return adapter;
}

/** Slot by slot: what else is active in each stays so. */
function switchOff({ model }: AdapterSet, name: string): void {
  for (const slot of model.modules().values()) {
    slot.activate(new Set([...slot.active().keys()].filter((other) => other !== name)));
  }
}

/** The value that occurs most often; of several such, the largest. */
function commonest(values: readonly number[]): number {
  const count = (value: number) => values.filter((other) => other === value).length;
  return [...new Set(values)].sort((a, b) => count(b) - count(a) || b - a)[0]!;
}

function assign(name: string, factor: FactoredUpdate['A'], values: Float32Array): void {
  if (values.length !== factor.size) throw new ShapeMismatchError(name, factor.shape, [values.length]);
  const tensor: Tensor2D = tf.tensor2d(values, factor.shape);
  (factor as Variable<tf.Rank.R2>).assign(tensor);
  tensor.dispose();
}

async function finite(path: string, tensor: Tensor2D): Promise<Float32Array> {
  const values = Float32Array.from(await tensor.data<'float32'>());
  if (values.every(Number.isFinite)) return values;
  throw new LoranError(
    'NON_FINITE',
    `The update of '${path}' holds NaN or infinite values; the adapter was not written.`,
  );
}
