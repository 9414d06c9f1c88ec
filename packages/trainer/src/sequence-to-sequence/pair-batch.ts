/** Encoded pairs as two rectangles of ids, padded on the right, with the places that are learned. */
import { bucketBatches, type BucketOptions, padBatch } from '@loran/datasets';
import { type SupervisedPlaces, supervisedPlaces } from '../language-model/supervised-places.js';
import type { EncodedPair } from './encode-pairs.js';

/** The places are those of `written`. */
export interface PairBatch extends SupervisedPlaces {
  /** Positions of the pairs in the array that was batched. */
  readonly indices: readonly number[];
  readonly inputs: Int32Array; // [batch, time]
  readonly inputMask: Int32Array; // [batch, time]
  readonly inputShape: readonly [batch: number, time: number];
  /** What the decoder reads: the start, then the labels but the last. */
  readonly written: Int32Array; // [batch, length]
  readonly writtenShape: readonly [batch: number, length: number];
  /** Tokens on both sides without padding. */
  readonly tokens: number;
}

const labelStep = 16;

/** Batches of pairs with inputs of similar length. */
export function* pairBatches(
  pairs: readonly EncodedPair[],
  { padId, startId }: { readonly padId: number; readonly startId: number },
  options: BucketOptions,
): Generator<PairBatch, void, void> {
  const lengths = pairs.map(({ inputs }) => inputs.length);
  for (const { indices, length } of bucketBatches(lengths, options)) {
    const batch = indices.map((index) => pairs[index]!);
    const read = padBatch(
      batch.map(({ inputs }) => inputs),
      { padId, length },
    );
    const write = padBatch(
      batch.map(({ labels }) => [startId, ...labels.slice(0, -1)]),
      { padId, multipleOf: labelStep },
    );
    const places = batch.flatMap(({ labels }, owner) =>
      labels.map((target, i) => ({ owner, row: owner * write.shape[1] + i, target })),
    );
    yield {
      indices,
      inputs: read.ids,
      inputMask: read.mask,
      inputShape: read.shape,
      written: write.ids,
      writtenShape: write.shape,
      ...supervisedPlaces(places),
      tokens: batch.reduce((sum, { inputs, labels }) => sum + inputs.length + labels.length, 0),
    };
  }
}
