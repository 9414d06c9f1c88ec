/**
 * What an adapter's layer adds to a weight, as one matrix: ΔW of its method and its rows, against the model's own weight where the
 * method has put another in place (PiSSA keeps a residual there).
 *
 *   ΔW [rows, columns] = delta + (frozen − original)
 */
import type { AdapterLayer, Slot } from '@loran/adapter';
import * as tf from '@tensorflow/tfjs-core';
import type { Rank, Tensor2D } from '@tensorflow/tfjs-core';

/** The caller disposes it. Zeros where the layer changes no weight. */
export function updateOf(slot: Slot, layer: AdapterLayer): Tensor2D {
  return tf.tidy(() => {
    const { frozen, original } = slot;
    const { weight, rows } = layer.delta();
    const parts: Tensor2D[] = weight === undefined ? [] : [weight];
    if (rows !== undefined) {
      const indices = tf.tensor1d([...rows.indices], 'int32');
      parts.push(tf.unsortedSegmentSum(rows.values, indices, frozen.rows));
    }
    if (frozen !== original) parts.push(tf.sub(frozen.weight(), original.weight()));
    return parts.reduce((sum, part) => tf.add(sum, part), tf.zeros<Rank.R2>([frozen.rows, frozen.columns]));
  });
}
