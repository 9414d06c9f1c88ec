/** What every reader of a file of tensors offers, whichever its format. */
import type { Dtype, TensorBytes } from './tensor-bytes.js';

export interface TensorInfo {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly byteLength: number;
}

export interface TensorFile {
  /** Path of the file or folder, as errors give it. */
  readonly name: string;
  /** Every tensor by name, in the order of the file's data. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: ReadonlyMap<string, string>;
  /** One tensor whole, as stored. Throws TENSOR_NOT_FOUND, TENSOR_TOO_LARGE. */
  read(name: string): Promise<TensorBytes>;
  /** Successive runs of a float tensor's row-major values, widened to fp32. Throws TENSOR_NOT_FOUND, TENSOR_NOT_FLOAT. */
  values(name: string): AsyncIterable<Float32Array>;
  close(): Promise<void>;
}
