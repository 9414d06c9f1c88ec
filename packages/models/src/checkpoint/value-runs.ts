/** A tensor's values as they come from a file, in successive runs: joined, and turned round. */
import { transposedValues } from '@loran/formats';

/** All runs as one. */
export async function joined(runs: AsyncIterable<Float32Array>): Promise<Float32Array> {
  const parts: Float32Array[] = [];
  for await (const run of runs) parts.push(run);
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return first;
  const values = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let filled = 0;
  for (const part of parts) {
    values.set(part, filled);
    filled += part.length;
  }
  return values;
}

/** A matrix of so many rows turned round: whole, since its last column needs the first of what is stored. */
export async function* transposedRuns(runs: AsyncIterable<Float32Array>, rows: number): AsyncGenerator<Float32Array> {
  const values = await joined(runs);
  yield transposedValues(values, rows, values.length / rows);
}
