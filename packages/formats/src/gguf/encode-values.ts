/** Runs of fp32 values of any length as the bytes of a type that models are written in. */
import { fromFloat32 } from '../float-values.js';
import { blockSizes, isBlockType } from '../tensor-bytes.js';
import type { QuantizedType } from './quantize.js';

export type WritableType = 'F32' | 'F16' | 'BF16' | QuantizedType;

/** The largest magnitude that a type holds: beyond it, narrowing gives infinity. The scale of a block is in F16. */
const largest: Readonly<Record<WritableType, number>> = {
  F32: Infinity,
  BF16: 3.3961775e38,
  F16: 65519,
  Q8_0: 65519 * 127,
  Q4_0: 65519 * 8,
};

/** `refuse` makes the error for a value that the type cannot hold: one too large, or no number in a block. */
export async function* encodeValues(
  runs: AsyncIterable<Float32Array>,
  type: WritableType,
  refuse: (value: number, index: number) => Error,
): AsyncGenerator<Uint8Array> {
  const block = isBlockType(type) ? blockSizes[type].values : 1;
  let rest = new Float32Array(0); // less than a block, until the next run
  let index = 0;
  for await (const run of runs) {
    const values = rest.length === 0 ? run : joined(rest, run);
    const ready = values.subarray(0, values.length - (values.length % block));
    const unfit = firstUnfit(ready, largest[type], isBlockType(type));
    if (unfit >= 0) throw refuse(ready[unfit]!, index + unfit);
    yield fromFloat32(ready, type);
    index += ready.length;
    rest = values.slice(ready.length);
  }
}

function firstUnfit(values: Float32Array, limit: number, finite: boolean): number {
  for (let i = 0; i < values.length; i++) {
    const magnitude = Math.abs(values[i]!);
    if (!(magnitude <= limit) && (finite || magnitude < Infinity)) return i;
  }
  return -1;
}

function joined(rest: Float32Array, run: Float32Array): Float32Array {
  const values = new Float32Array(rest.length + run.length);
  values.set(rest);
  values.set(run, rest.length);
  return values;
}
