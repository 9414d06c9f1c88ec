/**
 * Rows of a matrix that a file keeps in another order: the same shuffle inside each group of neighbouring rows, such as a head's.
 *
 * llama.cpp turns neighbouring features of a head, Hugging Face features half a head apart, so its files hold the rows of q and k
 * as 0, n/2, 1, n/2 + 1, … of each head of n.
 */
export interface RowOrder {
  /** Rows of one group; the matrix has a whole number of them. */
  readonly group: number;
  /** For each row of a group as wanted, the row as stored. */
  readonly stored: readonly number[] | Int32Array;
}

/** Undoes llama.cpp's order for heads of `width` rows. */
export function halvesFromPairs(width: number): RowOrder {
  const half = width / 2;
  return {
    group: width,
    stored: Int32Array.from({ length: width }, (_, i) => (i < half ? 2 * i : 2 * (i - half) + 1)),
  };
}

/** The rows as wanted, one group at a time. height × width values come in. */
export async function* reorderedValues(
  runs: AsyncIterable<Float32Array>,
  height: number,
  width: number,
  { group, stored }: RowOrder,
): AsyncGenerator<Float32Array> {
  const waiting = new Float32Array(Math.min(group, height) * width);
  let filled = 0;
  for await (const run of runs) {
    for (let taken = 0; taken < run.length;) {
      const count = Math.min(run.length - taken, waiting.length - filled);
      waiting.set(run.subarray(taken, taken + count), filled);
      taken += count;
      filled += count;
      if (filled < waiting.length) continue;
      const ordered = new Float32Array(waiting.length);
      stored.forEach((from, to) => ordered.set(waiting.subarray(from * width, (from + 1) * width), to * width));
      yield ordered;
      filled = 0;
    }
  }
}

/** The same for rows as they are stored, each of equally many bytes. */
export function reorderedBytes(data: Uint8Array, height: number, { group, stored }: RowOrder): Uint8Array {
  const width = data.length / height;
  const ordered = new Uint8Array(data.length);
  for (let first = 0; first < height; first += group) {
    stored.forEach((from, to) => {
      ordered.set(data.subarray((first + from) * width, (first + from + 1) * width), (first + to) * width);
    });
  }
  return ordered;
}
