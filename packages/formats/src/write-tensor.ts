/** Writes one tensor's bytes, and holds them to its shape. */
import { bytesOf, type TensorValues } from './encode-values.js';
import { sizeOf, type StoredType, type TensorBytes, type TensorChunks } from './tensor-bytes.js';
import { TensorFileError } from './tensor-file-error.js';

/** `path`, `name`: for the error. `wrote` is told the bytes of each run. Throws INVALID_TENSOR, and what `write` throws. */
export async function writeTensor(
  write: (bytes: Uint8Array) => Promise<void>,
  path: string,
  name: string,
  tensor: TensorBytes<StoredType> | TensorChunks<StoredType> | TensorValues,
  wrote?: (bytes: number) => void,
): Promise<void> {
  let written = 0;
  for await (const bytes of bytesOf(tensor, name, path)) {
    written += bytes.byteLength;
    await write(bytes);
    wrote?.(bytes.byteLength);
  }
  if (written !== sizeOf(tensor.shape, tensor.dtype)) throw wrongSize(path, name, tensor, written);
}

export function wrongSize(
  path: string,
  name: string,
  { dtype, shape }: { readonly dtype: StoredType; readonly shape: readonly number[] },
  given: number,
): TensorFileError {
  return new TensorFileError(
    'INVALID_TENSOR',
    path,
    `tensor ${JSON.stringify(name)} of shape [${shape.join(', ')}] and type ${dtype} takes ${sizeOf(shape, dtype)} bytes, but ${given} were given.`,
  );
}
