/** Frozen weights in fp32: exact, and the fastest where memory allows. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { TensorBytes } from '@loran/formats';
import { linear } from '@loran/tensor';
import type { BaseStorage, FrozenWeight, WeightSource } from '../contract/frozen-weight.js';
import { ShapeMismatchError } from '../errors/shape-mismatch.js';
import { version } from '../version.js';
import { bytesOf, floatsOf, part } from './parts.js';
import { collect } from './collect.js';
import { recomputedProduct, updateRows } from './recomputed-product.js';

export const fp32: BaseStorage = {
  kind: 'base-storage',
  name: 'fp32',
  package: '@loran/adapter',
  version,
  async store(source: WeightSource): Promise<FrozenWeight> {
    const values = await collect(source);
    const bias = source.bias === null ? null : tf.tensor1d(source.bias);
    return frozenTensor(tf.tensor2d(values, [source.rows, source.columns]), bias, source.kind);
  },
  restore(kind: FrozenWeight['kind'], parts: ReadonlyMap<string, TensorBytes>): FrozenWeight {
    const weight = part(parts, 'weight');
    const bias = parts.get('bias');
    return frozenTensor(
      tf.tensor2d(floatsOf(weight), weight.shape as [number, number]),
      bias === undefined ? null : tf.tensor1d(floatsOf(bias)),
      kind,
    );
  },
};

/**
 * A tfjs weight as a frozen weight; it takes the tensors over. This is how a layer of your own becomes a slot:
 * `new Slot('dense', frozenTensor(weight, bias))`, with the weight as [out, in].
 */
export function frozenTensor(
  weight: Tensor2D,
  bias: Tensor1D | null = null,
  kind: FrozenWeight['kind'] = 'linear',
): FrozenWeight {
  const [rows, columns] = weight.shape;
  if (bias !== null && bias.size !== rows) throw new ShapeMismatchError('bias', [rows], bias.shape);
  return {
    kind,
    storage: 'fp32',
    rows,
    columns,
    bias,
    byteLength: 4 * (rows * columns + (bias === null ? 0 : rows)),
    apply: (x, delta) =>
      tf.tidy(() => {
        if (kind === 'linear') {
          if (delta === undefined) return linear(x, weight, bias);
          const y = recomputedProduct(x, () => weight, delta); // [..., rows]
          return bias === null ? y : tf.add(y, bias);
        }
        const ids = x.dtype === 'int32' ? x : tf.cast(x, 'int32');
        const base = tf.gather(weight, ids); // [..., width]
        return delta === undefined ? base : tf.add(base, updateRows(delta, ids));
      }),
    weight: () => tf.clone(weight),
    with: (other, otherBias = bias) =>
      Promise.resolve(frozenTensor(tf.clone(other), otherBias === null ? null : tf.clone(otherBias), kind)),
    async parts() {
      const parts = new Map([['weight', await bytesOf(weight)]]);
      if (bias !== null) parts.set('bias', await bytesOf(bias));
      return parts;
    },
    dispose: () => {
      weight.dispose();
      bias?.dispose();
    },
  };
}
