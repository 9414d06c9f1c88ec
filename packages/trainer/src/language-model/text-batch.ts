/** Encoded texts as one rectangle of ids, padded on the right, with the places whose successors are learned. */
import { bucketBatches, type BucketOptions, padBatch } from '@loran/datasets';
import type { EncodedText } from './encoded-text.js';
import { type SupervisedPlaces, supervisedPlaces } from './supervised-places.js';

export interface TextBatch extends SupervisedPlaces {
  /** Positions of the texts in the array that was batched. */
  readonly indices: readonly number[];
  readonly ids: Int32Array; // [batch, time]
  readonly shape: readonly [batch: number, time: number];
  /** Tokens without padding. */
  readonly tokens: number;
}

/**
 * Batches of texts of similar length. Padding on the right needs no mask: no token sees what follows it.
 */
export function* textBatches(
  texts: readonly EncodedText[],
  padId: number,
  options: BucketOptions,
): Generator<TextBatch, void, void> {
  const lengths = texts.map(({ ids }) => ids.length);
  for (const { indices, length } of bucketBatches(lengths, options)) {
    const batch = indices.map((index) => texts[index]!);
    const { ids, shape } = padBatch(
      batch.map(({ ids }) => ids),
      { padId, length },
    );
    const places = batch.flatMap(({ ids, supervised }, owner) =>
      ids.flatMap((target, i) => (supervised[i] === true ? [{ owner, row: owner * length + i - 1, target }] : [])),
    );
    yield {
      indices,
      ids,
      shape,
      ...supervisedPlaces(places),
      tokens: batch.reduce((sum, { ids }) => sum + ids.length, 0),
    };
  }
}
