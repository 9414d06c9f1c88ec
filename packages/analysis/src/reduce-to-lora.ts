/**
 * Any adapter as a LoRA: the best approximation of each update by a product of two factors, which GGUF, MLX, PEFT and what reads
 * PEFT's folders can hold. How much was lost is measured, per layer and in all.
 *
 *   ΔW ≈ B·A [rows, columns]          error = ‖ΔW − B·A‖ / ‖ΔW‖          (Frobenius norms)
 *
 * An embedding's factors are those of its transposed weight, as lowRankFactors has them. The scaling is 1: alpha = rank.
 */
import { addFactored, type Adapter, type AdapterMethod, type AdapterSet, type FactoredLayer } from '@loran/adapter';
import { transposedValues } from '@loran/formats';
import { LoranError } from '@loran/plugin';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { frobeniusNorm } from './frobenius-norm.js';
import { leadingPart, type RankChoice } from './leading-part.js';
import { updateOf } from './update-of.js';

export interface ReduceOptions {
  /** The methods at hand; the first that can be made of two factors takes them: LoRA. */
  readonly methods: Iterable<AdapterMethod>;
  /** Rank of the result; with `energy` the most it may be. A layer whose smaller side is less gets that. */
  readonly rank?: number;
  /** Share of ‖ΔW‖² to keep, in (0, 1]: each layer gets the smallest rank that does. */
  readonly energy?: number;
  /** Name of the new adapter; default 'reduced'. */
  readonly name?: string;
  /** Up to this min(rows, columns) the decomposition is exact; default 256. */
  readonly exactUpTo?: number;
  /** Called after each layer. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface ReducedLayer {
  readonly path: string;
  readonly rank: number;
  /** Relative to ‖ΔW‖; 0 where that is 0. */
  readonly error: number;
}

export interface Reduction {
  /** On the model beside the other one, inactive: `set.activate(name)` computes with it. */
  readonly adapter: Adapter;
  readonly layers: readonly ReducedLayer[];
  /** ‖ΔW − B·A‖ / ‖ΔW‖ over all layers as one. */
  readonly error: number;
}

/**
 * Adds the reduced adapter to the set; modules trained whole come along, as does the scale at run time.
 *
 * Throws UNKNOWN_ADAPTER, ADAPTER_EXISTS, INVALID_RANK, INVALID_ENERGY, NOT_REDUCIBLE for an update that also changes biases,
 * NON_FINITE, NO_FACTORED_METHOD; the model is then as it was.
 */
export async function reduceToLora(set: AdapterSet, name: string, options: ReduceOptions): Promise<Reduction> {
  const { methods, name: newName = 'reduced', onProgress, rank, energy, exactUpTo } = options;
  const adapter = set.get(name);
  checkChoice({ rank, energy });
  const slots = set.model.modules();
  refuseUnreducible(adapter);
  const layers = new Map<string, FactoredLayer>();
  const found: { path: string; rank: number; norm: number; distance: number }[] = [];
  for (const [path, layer] of adapter.layers) {
    const slot = slots.get(path)!;
    const update = updateOf(slot, layer);
    try {
      const { A, B, ...facts } = await leadingPart(await finite(path, update), { rank, energy, exactUpTo });
      found.push({ path, ...facts });
      layers.set(path, slot.original.kind === 'linear' ? { A, B, rank: facts.rank } : turned(A, B, facts.rank));
    } finally {
      update.dispose();
    }
    onProgress?.(found.length, adapter.layers.size);
  }
  const reduced = await addFactored(set, layers, {
    methods,
    scaling: 1,
    name: newName,
    file: `The adapter '${name}'`,
    modulesToSave: adapter.modulesToSave,
    ensureWeightTying: adapter.ensureWeightTying,
    active: false,
  });
  copySavedModules(adapter, reduced);
  reduced.scale = adapter.scale;
  const [distance, norm] = [found.map((each) => each.distance), found.map((each) => each.norm)];
  return {
    adapter: reduced,
    layers: found.map((each) => ({ path: each.path, rank: each.rank, error: ratio(each.distance, each.norm) })),
    error: ratio(Math.hypot(...distance), Math.hypot(...norm)),
  };
}

const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);

/** Those of the transposed matrix: (B·A)ᵀ = Aᵀ·Bᵀ. */
function turned(A: Float32Array, B: Float32Array, rank: number): FactoredLayer {
  return {
    A: transposedValues(B, B.length / rank, rank), // [rank, vocabulary]
    B: transposedValues(A, rank, A.length / rank), // [width, rank]
    rank,
  };
}

function copySavedModules(from: Adapter, to: Adapter): void {
  for (const [path, layer] of to.savedModules) {
    const trained = from.savedModules.get(path)!.parameters;
    for (const [name, parameter] of layer.parameters) parameter.assign(trained.get(name)!);
  }
}

function checkChoice({ rank, energy }: Pick<RankChoice, 'rank' | 'energy'>): void {
  if (rank === undefined && energy === undefined) {
    throw new LoranError(
      'INVALID_RANK',
      'Say which rank the LoRA should have, or which share of energy it should keep.',
    );
  }
  if (rank !== undefined && (!Number.isInteger(rank) || rank < 1)) {
    throw new LoranError('INVALID_RANK', `The rank is ${rank}; it must be a whole number from 1 up.`);
  }
  if (energy !== undefined && !(energy > 0 && energy <= 1)) {
    throw new LoranError('INVALID_ENERGY', `The energy to keep is ${energy}; it is a share, above 0 and at most 1.`);
  }
}

function refuseUnreducible({ name, method, layers }: Adapter): void {
  const refuse = (what: string) =>
    new LoranError(
      'NOT_REDUCIBLE',
      `The adapter '${name}' (${method.name}) cannot become a LoRA: ${what}. Merge it into its model and write that.`,
    );
  if (layers.size === 0) throw refuse('it is on no layer, it only trains modules whole');
  for (const [path, layer] of layers) {
    const { weight, rows, bias } = layer.delta();
    tf.dispose([weight ?? [], rows?.values ?? [], bias ?? []]);
    if (bias !== undefined) throw refuse(`it changes the bias of ${path} as well`);
  }
}

async function finite(path: string, update: Tensor2D): Promise<Tensor2D> {
  if (Number.isFinite(await frobeniusNorm(update))) return update;
  throw new LoranError(
    'NON_FINITE',
    `The update of '${path}' holds NaN or infinite values; it has no best approximation.`,
  );
}
