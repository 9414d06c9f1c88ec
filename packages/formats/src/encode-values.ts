/** What a tensor's bytes come from when it is written: held whole, in pieces, or as fp32 values that are narrowed as they pass. */
import { fromFloat32 } from './float-values.js';
import type { QuantizedType } from './gguf/quantize.js';
import { blockSizes, isBlockType, type StoredType, type TensorBytes, type TensorChunks } from './tensor-bytes.js';
import { TensorFileError } from './tensor-file-error.js';

export type WritableType = 'F32' | 'F16' | 'BF16' | QuantizedType;

/** A tensor whose fp32 values come in runs and are narrowed or quantised to `dtype` as they pass. */
export interface TensorValues<Type extends WritableType = WritableType> {
  readonly dtype: Type;
  readonly shape: readonly number[];
  /** Successive runs of the row-major values, of any length. */
  values(): AsyncIterable<Float32Array>;
  /** Hears of each run of values, and of the bytes that were made of it. */
  readonly onEncoded?: (values: Float32Array, bytes: Uint8Array) => void;
}

/** The largest magnitude that a type holds: beyond it, narrowing gives infinity. The scale of a block is in F16. */
const largest: Readonly<Record<WritableType, number>> = {
  F32: Infinity,
  BF16: 3.3961775e38,
  F16: 65519,
  Q8_0: 65519 * 127,
  Q4_0: 65519 * 8,
};

/** The bytes of a tensor in runs. Throws INVALID_TENSOR for a value that its type cannot hold. `name`, `file`: for the error. */
export function bytesOf(
  tensor: TensorBytes<StoredType> | TensorChunks<StoredType> | TensorValues,
  name: string,
  file: string,
): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  if ('data' in tensor) return [tensor.data];
  return 'chunks' in tensor ? tensor.chunks() : encoded(tensor, name, file);
}

async function* encoded(tensor: TensorValues, name: string, file: string): AsyncGenerator<Uint8Array> {
  const { dtype } = tensor;
  const block = isBlockType(dtype) ? blockSizes[dtype].values : 1;
  let rest = new Float32Array(0); // less than a block, until the next run
  let index = 0;
  for await (const run of tensor.values()) {
    const all = rest.length === 0 ? run : joined(rest, run);
    const ready = all.subarray(0, all.length - (all.length % block));
    const unfit = firstUnfit(ready, largest[dtype], isBlockType(dtype));
    if (unfit >= 0) throw unfitValue(ready[unfit]!, index + unfit, dtype, name, file);
    const bytes = fromFloat32(ready, dtype);
    tensor.onEncoded?.(ready, bytes);
    yield bytes;
    index += ready.length;
    rest = all.slice(ready.length);
  }
}

/** In a block every value must be finite; elsewhere NaN and infinity stay what they are. */
function firstUnfit(values: Float32Array, limit: number, finite: boolean): number {
  for (let i = 0; i < values.length; i++) {
    const magnitude = Math.abs(values[i]!);
    if (!(magnitude <= limit) && (finite || magnitude < Infinity)) return i;
  }
  return -1;
}

function unfitValue(value: number, index: number, dtype: WritableType, name: string, file: string): TensorFileError {
  return new TensorFileError(
    'INVALID_TENSOR',
    file,
    `tensor ${JSON.stringify(name)} holds ${value} at place ${index}, which is ${
      Number.isFinite(value)
        ? `beyond what ${dtype} can hold; choose BF16 or F32`
        : `nothing that ${dtype} can hold; the weights are damaged`
    }.`,
  );
}

function joined(rest: Float32Array, run: Float32Array): Float32Array {
  const values = new Float32Array(rest.length + run.length);
  values.set(rest);
  values.set(run, rest.length);
  return values;
}
