/**
 * Merging: the active adapters' updates added to the weights, so that inference costs what the base model costs.
 *
 *   W' = W + Σ scale · ΔW           on any storage: W is dequantised, the sum is kept in fp32
 *
 * Layers that multiply do so last, as they stand outermost in the chain: see AdapterLayer.rescaling.
 *
 * Quantising the sum again loses about as much as the base's own quantisation did, so it happens only on request, and what it
 * cost is reported for each module.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { LoranError } from '@loran/plugin';
import type { AdapterLayer, Call, Rescaling } from './contract/adapter-method.js';
import type { BaseStorage, FrozenWeight } from './contract/frozen-weight.js';
import { ShapeMismatchError } from './errors/shape-mismatch.js';
import { mergeReport, type MergeReport, noRounding, type RoundingError, roundingError } from './merge-report.js';
import type { Slot } from './slot.js';
import { frozenTensor } from './storage/fp32.js';

export interface MergeOptions {
  /** Keep the merged weights in the storage of their base, rounding them again; default false: fp32. */
  readonly requantise?: boolean;
  /** Keep them in this storage instead, bf16 for example; not together with `requantise`. */
  readonly storage?: BaseStorage;
}

export interface MergedWeight {
  readonly weight: FrozenWeight;
  readonly rounding: RoundingError;
}

/** Merges the active layers of every slot, or none. Throws NON_FINITE and INVALID_CONFIG. */
export async function mergeActive(
  slots: ReadonlyMap<string, Slot>,
  scaleOf: (adapter: string) => Call['scale'],
  options: MergeOptions,
): Promise<MergeReport> {
  if (options.requantise === true && options.storage !== undefined) {
    throw new LoranError(
      'INVALID_CONFIG',
      `merge: 'requantise' keeps the storage of the base, and 'storage' asks for '${options.storage.name}'. Give one of them.`,
    );
  }
  const merged = new Map<Slot, MergedWeight>();
  try {
    for (const [path, slot] of slots) {
      const layers = [...slot.active()].map(([name, layer]) => [layer, scaleOf(name)] as const);
      if (layers.length > 0) merged.set(slot, await mergedWeight(path, slot.frozen, layers, options));
    }
  } catch (error) {
    for (const { weight } of merged.values()) weight.dispose();
    throw error;
  }
  for (const [slot, { weight }] of merged) slot.merge(weight);
  return mergeReport(new Map([...merged].map(([{ path }, { rounding }]) => [path, rounding])));
}

/** The frozen weight with the layers' updates added. Throws NON_FINITE when an update or the sum is not finite. */
export async function mergedWeight(
  path: string,
  frozen: FrozenWeight,
  layers: Iterable<readonly [AdapterLayer, Call['scale']]>,
  { requantise = false, storage }: MergeOptions = {},
): Promise<MergedWeight> {
  const { weight, bias } = tf.tidy(() => {
    let sum = frozen.weight();
    let biasSum: Tensor1D | null = frozen.bias === null ? null : tf.clone(frozen.bias);
    const factors: Rescaling[] = [];
    for (const [layer, scale] of layers) {
      if (layer.rescaling !== undefined) {
        factors.push(layer.rescaling(scale));
        continue;
      }
      const { weight: change, rows, bias: biasChange } = layer.delta();
      if (change !== undefined) sum = tf.add<Tensor2D>(sum, scaled(expectShape(path, change, sum.shape), scale));
      if (rows !== undefined) sum = tf.add<Tensor2D>(sum, scaled(dense(rows.indices, rows.values, frozen.rows), scale));
      if (biasChange !== undefined) {
        const change = scaled(biasChange, scale);
        biasSum = biasSum === null ? tf.clone(change) : tf.add<Tensor1D>(biasSum, change);
      }
    }
    for (const { rows, columns } of factors) {
      if (columns !== undefined) sum = tf.mul<Tensor2D>(sum, columns);
      if (rows === undefined) continue;
      sum = tf.mul<Tensor2D>(sum, tf.expandDims(rows, 1));
      if (biasSum !== null) biasSum = tf.mul<Tensor1D>(biasSum, rows);
    }
    return { weight: sum, ...(biasSum === null ? {} : { bias: biasSum }) };
  });
  const finite = await tf
    .tidy(() => {
      const all = tf.all(tf.isFinite(weight));
      return bias === undefined ? all : tf.logicalAnd(all, tf.all(tf.isFinite(bias)));
    })
    .data();
  if (finite[0] !== 1) {
    tf.dispose([weight, bias ?? []]);
    throw new LoranError(
      'NON_FINITE',
      `The merged weight or bias of '${path}' is not finite; the adapter has diverged. Nothing was merged.`,
    );
  }
  if (!requantise && storage === undefined) {
    return { weight: frozenTensor(weight, bias ?? null, frozen.kind), rounding: noRounding };
  }
  try {
    const stored =
      storage === undefined ? await frozen.with(weight, bias ?? null) : await keep(storage, path, frozen, weight, bias);
    const [widened, base] = [stored.weight(), frozen.weight()];
    const rounding = await roundingError(weight, widened, base);
    tf.dispose([widened, base]);
    return { weight: stored, rounding };
  } finally {
    tf.dispose([weight, bias ?? []]);
  }
}

/** `weight` and `bias` in another storage than their base's. */
async function keep(
  storage: BaseStorage,
  path: string,
  { kind, rows, columns }: FrozenWeight,
  weight: Tensor2D,
  bias: Tensor1D | undefined,
): Promise<FrozenWeight> {
  return storage.store({
    kind,
    path,
    rows,
    columns,
    bias: bias === undefined ? null : Float32Array.from(await bias.data<'float32'>()),
    async *values() {
      yield Float32Array.from(await weight.data<'float32'>());
    },
  });
}

const scaled = <T extends Tensor>(delta: T, scale: Call['scale']): T => (scale === 1 ? delta : tf.mul(delta, scale));

function dense(indices: readonly number[], values: Tensor2D, rows: number): Tensor2D {
  return tf.unsortedSegmentSum(values, tf.tensor1d([...indices], 'int32'), rows);
}

function expectShape(path: string, delta: Tensor2D, shape: readonly number[]): Tensor2D {
  if (delta.shape[0] !== shape[0] || delta.shape[1] !== shape[1]) {
    throw new ShapeMismatchError(path, shape, delta.shape, 'The adapter was made for another model.');
  }
  return delta;
}
