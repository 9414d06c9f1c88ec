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
  readonly mask: Int32Array; // [batch, time], 1 for a token, 0 for padding
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
  for (const { indices, length } of bucketBatches(lengths, options)) {
    const rows = indices.map((index) => examples[index]!.ids);
    yield {
      indices,
      labels: Int32Array.from(indices, (index) => examples[index]!.label),
      ...padBatch(rows, { padId, length }),
      tokens: rows.reduce((sum, { length }) => sum + length, 0),
    };
  }
}

/** The tensors that a model takes; the caller tidies. Where nothing is padded there is no mask to add. */
export function tokenBatch({ ids, mask, shape, tokens }: ClassificationBatch): TokenBatch {
  return {
    ids: tf.tensor2d(ids, [...shape], 'int32'),
    ...(tokens === ids.length ? {} : { mask: tf.tensor2d(mask, [...shape], 'int32') }),
  };
}
