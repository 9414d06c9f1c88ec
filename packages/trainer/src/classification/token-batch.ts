/** Examples of similar length as one rectangle of token ids, and that rectangle as tensors. */
import * as tf from '@tensorflow/tfjs-core';
import { bucketBatches, type BucketOptions, padBatch } from '@loran/datasets';
import type { TokenBatch } from '@loran/models';
import type { EncodedExample } from './encode-examples.js';

export interface ClassificationBatch {
  /** Positions of the examples in the array that was batched. */
  readonly indices: readonly number[];
  readonly labels: Int32Array; // [batch]
  readonly ids: Int32Array; // [batch, time]
  /** 1 for a token, 0 for padding; undefined where no batch of the epoch is padded. */
  readonly mask: Int32Array | undefined; // [batch, time]
  readonly shape: readonly [batch: number, time: number];
  /** Tokens without padding. */
  readonly tokens: number;
}

/** The batches of `bucketBatches`, padded with `padId` as they are taken. */
export function* classificationBatches(
  examples: readonly EncodedExample[],
  padId: number,
  options: BucketOptions,
): Generator<ClassificationBatch, void, void> {
  const lengths = examples.map(({ ids }) => ids.length);
  const batches = bucketBatches(lengths, options);
  // All with a mask, or none: a graph with and one without it would be two, each with memory of its own.
  const padded = batches.some(({ indices, length }) => indices.some((index) => lengths[index] !== length));
  for (const { indices, length } of batches) {
    const rows = indices.map((index) => examples[index]!.ids);
    const { ids, mask, shape } = padBatch(rows, { padId, length });
    yield {
      indices,
      labels: Int32Array.from(indices, (index) => examples[index]!.label),
      ids,
      mask: padded ? mask : undefined,
      shape,
      tokens: rows.reduce((sum, { length }) => sum + length, 0),
    };
  }
}

/** The tensors that a model takes; the caller tidies. */
export function tokenBatch({ ids, mask, shape }: ClassificationBatch): TokenBatch {
  return {
    ids: tf.tensor2d(ids, [...shape], 'int32'),
    ...(mask === undefined ? {} : { mask: tf.tensor2d(mask, [...shape], 'int32') }),
  };
}
