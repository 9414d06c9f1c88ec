/** How much of a file of tensors has been written, for who waits. */
import { sizeOf, type StoredType } from './tensor-bytes.js';

export interface WriteProgressOptions {
  /** Called as tensors are written: bytes of them so far and in all. The last call has the two equal. */
  readonly onProgress?: (writtenBytes: number, totalBytes: number) => void;
}

/** Is told of bytes of `tensors` as they are written. */
export function writeProgress(
  tensors: readonly (readonly [string, { readonly shape: readonly number[]; readonly dtype: StoredType }])[],
  { onProgress }: WriteProgressOptions,
): (bytes: number) => void {
  const total = tensors.reduce((sum, [, { shape, dtype }]) => sum + sizeOf(shape, dtype), 0);
  let written = 0;
  onProgress?.(0, total);
  return (bytes) => {
    written += bytes;
    onProgress?.(written, total);
  };
}
