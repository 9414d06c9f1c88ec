/** Encoded pairs as two rectangles of ids, padded on the right, with the places that are learned. */
import { bucketBatches, type BucketOptions, padBatch } from '@loran/datasets';
import type { EncodedPair } from './encode-pairs.js';

export interface PairBatch {
  /** Positions of the pairs in the array that was batched. */
  readonly indices: readonly number[];
  readonly inputs: Int32Array; // [batch, time]
  readonly inputMask: Int32Array; // [batch, time]
  readonly inputShape: readonly [batch: number, time: number];
  /** What the decoder reads: the start, then the labels but the last. */
  readonly written: Int32Array; // [batch, length]
  readonly writtenShape: readonly [batch: number, length: number];
  /** Places in the flattened rectangle of `written` whose hidden states are scored; filled up with 0. */
  readonly rows: Int32Array; // [rows]
  readonly targets: Int32Array; // [rows]
  /** 1 for a place, 0 for filling. */
  readonly weights: Float32Array; // [rows]
  readonly supervised: number;
  /** Which pair each place belongs to: an index into `indices`. */
  readonly owners: Int32Array; // [supervised]
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
    const supervised = batch.reduce((sum, { labels }) => sum + labels.length, 0);
    const size = Math.max(1, Math.ceil(supervised / 32)) * 32;
    const places = { rows: new Int32Array(size), targets: new Int32Array(size), weights: new Float32Array(size) };
    const owners = new Int32Array(supervised);
    let filled = 0;
    batch.forEach(({ labels }, row) => {
      labels.forEach((id, i) => {
        places.rows[filled] = row * write.shape[1] + i;
        places.targets[filled] = id;
        places.weights[filled] = 1;
        owners[filled] = row;
        filled += 1;
      });
    });
    yield {
      indices,
      inputs: read.ids,
      inputMask: read.mask,
      inputShape: read.shape,
      written: write.ids,
      writtenShape: write.shape,
      ...places,
      supervised,
      owners,
      tokens: batch.reduce((sum, { inputs, labels }) => sum + inputs.length + labels.length, 0),
    };
  }
}
