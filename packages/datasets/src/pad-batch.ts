/** Token ids of unequal lengths as one rectangle, padded on the right. */
import { DatasetError } from './dataset-error.js';

export interface PadOptions {
  /** Token id that fills up. */
  readonly padId: number;
  /** The length is rounded up to a multiple of this; default 1. */
  readonly multipleOf?: number;
  /** Exact length, instead of the longest row's; no row may be longer. `LengthBatch.length` is one. */
  readonly length?: number;
}

export interface PaddedBatch {
  readonly ids: Int32Array; // [batch, length]
  /** 1 for a token, 0 for padding. */
  readonly mask: Int32Array; // [batch, length]
  readonly shape: readonly [batch: number, length: number];
}

/** Pads `rows` of token ids. Throws DATASET_OPTION for no rows, or a row longer than `length`. */
export function padBatch(
  rows: readonly ArrayLike<number>[],
  { padId, multipleOf = 1, length: exact }: PadOptions,
): PaddedBatch {
  const longest = rows.reduce((most, row) => Math.max(most, row.length), 0);
  if (rows.length === 0)
    throw new DatasetError({ code: 'DATASET_OPTION', found: 'there are no rows to pad', expected: 'at least one' });
  if (exact !== undefined && longest > exact) {
    throw new DatasetError({
      code: 'DATASET_OPTION',
      found: `a row has ${longest} tokens`,
      expected: `at most ${exact}`,
      advice: 'Truncate the token ids first',
    });
  }
  const length = exact ?? Math.max(1, Math.ceil(longest / multipleOf)) * multipleOf;
  const ids = new Int32Array(rows.length * length).fill(padId);
  const mask = new Int32Array(rows.length * length);
  rows.forEach((row, index) => {
    ids.set(row, index * length);
    mask.fill(1, index * length, index * length + row.length);
  });
  return { ids, mask, shape: [rows.length, length] };
}
