/**
 * Merging: the active adapters' updates added to the weights, so that inference costs what the base model costs.
 *
 *   W' = W + Σ scale · ΔW           on any storage: W is dequantised, the sum is kept in fp32
 *
 * Quantising the sum again loses about as much as the base's own quantisation did, so it happens only on request, and the
 * rounding error is reported.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { LoranError } from '@loran/plugin';
import type { AdapterLayer, Call } from './contract/adapter-method.js';
import type { FrozenWeight } from './contract/frozen-weight.js';
import { ShapeMismatchError } from './errors/shape-mismatch.js';
import { frozenTensor } from './storage/fp32.js';

export interface MergeOptions {
  /** Keep the merged weights in the storage of their base, rounding them again; default false: fp32. */
  readonly requantise?: boolean;
}

export interface MergedWeight {
  readonly weight: FrozenWeight;
  /** Largest |W' − stored W'|; 0 without `requantise`. */
  readonly roundingError: number;
}

/** The frozen weight with the layers' updates added. Throws NON_FINITE when an update or the sum is not finite. */
export async function mergedWeight(
  path: string,
  frozen: FrozenWeight,
  layers: Iterable<readonly [AdapterLayer, Call['scale']]>,
  { requantise = false }: MergeOptions = {},
): Promise<MergedWeight> {
  const { weight, bias } = tf.tidy(() => {
    let sum = frozen.weight();
    let biasSum: Tensor1D | null = frozen.bias === null ? null : tf.clone(frozen.bias);
    for (const [layer, scale] of layers) {
      const { weight: change, rows, bias: biasChange } = layer.delta();
      if (change !== undefined) sum = tf.add<Tensor2D>(sum, scaled(expectShape(path, change, sum.shape), scale));
      if (rows !== undefined) sum = tf.add<Tensor2D>(sum, scaled(dense(rows.indices, rows.values, frozen.rows), scale));
      if (biasChange !== undefined) {
        const change = scaled(biasChange, scale);
        biasSum = biasSum === null ? tf.clone(change) : tf.add<Tensor1D>(biasSum, change);
      }
    }
    return { weight: sum, ...(biasSum === null ? {} : { bias: biasSum }) };
  });
  const finite = await tf.tidy(() => tf.all(tf.isFinite(weight))).data();
  if (finite[0] !== 1) {
    tf.dispose([weight, bias ?? []]);
    throw new LoranError(
      'NON_FINITE',
      `The merged weight of '${path}' is not finite; the adapter has diverged. Nothing was merged.`,
    );
  }
  if (!requantise) return { weight: frozenTensor(weight, bias ?? null, frozen.kind), roundingError: 0 };
  const stored = await frozen.with(weight, bias ?? null);
  const difference = tf.tidy(() => tf.max(tf.abs(tf.sub(weight, stored.weight()))));
  const [roundingError = Number.NaN] = await difference.data();
  tf.dispose([weight, bias ?? [], difference]);
  return { weight: stored, roundingError };
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
