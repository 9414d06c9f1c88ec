/**
 * T5's relative position bias (Raffel et al. 2020, arXiv 1910.10683): a number for each head and each bucket of distances,
 * added to the scores.
 *
 *   n buckets up to distance D, or n/2 for each direction        e = n/2 exact distances, then
 *   bucket(d) = e + ⌊ln(d/e) / ln(D/e) · (n − e)⌋, at most n − 1
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import type { Pass, Slot } from '@loran/adapter';

export interface RelativePositions {
  readonly buckets: number;
  readonly maxDistance: number;
  /** Whether keys after the query have buckets of their own; else they are masked anyway. */
  readonly bidirectional: boolean;
}

/** The bucket of a key `offset` columns behind its query (before it: negative), as fp32 arithmetic has it. */
export function relativeBucket(offset: number, { buckets, maxDistance, bidirectional }: RelativePositions): number {
  const count = bidirectional ? Math.floor(buckets / 2) : buckets;
  const start = bidirectional && offset > 0 ? count : 0;
  const distance = bidirectional ? Math.abs(offset) : Math.max(0, -offset);
  const exact = Math.floor(count / 2);
  if (distance < exact) return start + distance;
  const { fround } = Math;
  const share = fround(fround(Math.log(fround(distance / exact))) / fround(Math.log(maxDistance / exact)));
  return start + Math.min(count - 1, exact + Math.trunc(fround(share * (count - exact))));
}

/**
 * The bias of queries at columns `own` [time, 1] int32 (below `columns`) towards keys at columns 0 … columns − 1.
 * `table` is the embedding [buckets, heads]. -> [1, heads, time, columns]
 */
export function relativeBias(
  table: Slot,
  own: Tensor,
  columns: number,
  options: RelativePositions,
  pass: Pass,
): Tensor4D {
  return tf.tidy(() => {
    const offsets = Array.from({ length: 2 * columns - 1 }, (_, i) => relativeBucket(i - (columns - 1), options));
    const byOffset = table.apply(tf.tensor1d(offsets, 'int32'), pass) as Tensor2D; // [2·columns − 1, heads]
    const keys = tf.range(0, columns, 1, 'int32');
    const index = tf.add(tf.sub(keys, own), tf.scalar(columns - 1, 'int32')); // [time, columns]
    return tf.expandDims(tf.transpose(tf.gather(byOffset, tf.cast(index, 'int32')), [2, 0, 1]), 0) as Tensor4D;
  });
}
