import { nearest } from '@loran/plugin';
import { TensorFileError } from './tensor-file-error.js';

/** No tensor has that name; the message suggests the nearest. */
export function tensorNotFound(file: string, name: string, names: Iterable<string>): TensorFileError {
  const known = [...names];
  const near = nearest(name, known).map((candidate) => JSON.stringify(candidate));
  return new TensorFileError(
    'TENSOR_NOT_FOUND',
    file,
    `holds no tensor ${JSON.stringify(name)} among its ${known.length}.${near.length > 0 ? ` Did you mean ${near.join(' or ')}?` : ''}`,
  );
}
