/** Encoded texts as one rectangle of ids, padded on the right, with the places whose successors are learned. */
import { bucketBatches, type BucketOptions, padBatch } from '@loran/datasets';
import { type EncodedText, supervisedCount } from './encoded-text.js';

export interface TextBatch {
  /** Positions of the texts in the array that was batched. */
  readonly indices: readonly number[];
  readonly ids: Int32Array; // [batch, time]
  readonly shape: readonly [batch: number, time: number];
  /** Places in the flattened rectangle whose hidden states are scored; filled up with 0. */
  readonly rows: Int32Array; // [rows]
  /** The token that follows each; filled up with 0. */
  readonly targets: Int32Array; // [rows]
  /** 1 for a place, 0 for filling. */
  readonly weights: Float32Array; // [rows]
  /** Places without filling. */
  readonly supervised: number;
  /** Which text each place belongs to, without filling: an index into `indices`. */
  readonly owners: Int32Array; // [supervised]
  /** Tokens without padding. */
  readonly tokens: number;
}

/**
 * Batches of texts of similar length. Padding on the right needs no mask: no token sees what follows it. Places are filled
 * up to a multiple of 32, and beyond 512 of 256, so that few shapes arise.
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
    const supervised = batch.reduce((sum, text) => sum + supervisedCount(text), 0);
    const step = supervised > 512 ? 256 : 32;
    const size = Math.max(1, Math.ceil(supervised / step)) * step;
    const places = { rows: new Int32Array(size), targets: new Int32Array(size), weights: new Float32Array(size) };
    const owners = new Int32Array(supervised);
    let filled = 0;
    batch.forEach((text, row) => {
      text.ids.forEach((id, i) => {
        if (text.supervised[i] !== true) return;
        places.rows[filled] = row * length + i - 1;
        places.targets[filled] = id;
        places.weights[filled] = 1;
        owners[filled] = row;
        filled += 1;
      });
    });
    yield {
      indices,
      ids,
      shape,
      ...places,
      supervised,
      owners,
      tokens: batch.reduce((sum, { ids }) => sum + ids.length, 0),
    };
  }
}
