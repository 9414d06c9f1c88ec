/** What every reader of a file of tensors offers, whichever its format. */
import type { StoredType, TensorBytes } from './tensor-bytes.js';

export interface TensorInfo<Type extends StoredType = StoredType> {
  readonly dtype: Type;
  /** Row-major: the last size is that of the values that stand side by side. */
  readonly shape: readonly number[];
  readonly byteLength: number;
}

/** `Type`: the types that the format knows. */
export interface TensorFile<Type extends StoredType = StoredType> {
  /** Path of the file or folder, as errors give it. */
  readonly name: string;
  /** Every tensor by name, in the order of the file's data. */
  readonly tensors: ReadonlyMap<string, TensorInfo<Type>>;
  readonly metadata: ReadonlyMap<string, string>;
  /** One tensor whole, as stored. Throws TENSOR_NOT_FOUND, TENSOR_TOO_LARGE. */
  read(name: string): Promise<TensorBytes<Type>>;
  /** Successive runs of a float tensor's row-major values, widened or dequantised to fp32. Throws TENSOR_NOT_FOUND, TENSOR_NOT_FLOAT. */
  values(name: string): AsyncIterable<Float32Array>;
  close(): Promise<void>;
  /**
   * The same file, opened anew though this was closed; the caller closes it. Absent where it cannot be. Throws FILE_CHANGED when it
   * is not the same any more, and what opening does.
   */
  reopen?(): Promise<TensorFile<Type>>;
}
