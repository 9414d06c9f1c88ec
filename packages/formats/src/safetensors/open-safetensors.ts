/** Reads a safetensors file over byte ranges: the header at once, each tensor when it is asked for. */
import { fileSource, type ByteSource } from '../byte-source.js';
import type { Dtype } from '../tensor-bytes.js';
import { TensorFileError } from '../tensor-file-error.js';
import type { TensorFile } from '../tensor-file.js';
import { tensorReader } from '../tensor-reader.js';
import { largestHeader, parseHeader, type Header } from './header.js';
import { mistakenFile } from '../mistaken-file.js';

/**
 * Opens a safetensors file, or any source of its bytes, and checks the whole header.
 * The file stays open until `close()`.
 *
 * Throws FILE_NOT_FOUND, FILE_UNREADABLE, SAFETENSORS_TRUNCATED, _HEADER, _DTYPE, _SHAPE, _OFFSETS.
 */
export async function openSafetensors(file: string | ByteSource): Promise<TensorFile<Dtype>> {
  const source = typeof file === 'string' ? await fileSource(file) : file;
  try {
    const { tensors, metadata } = await readHeader(source);
    return tensorReader(source, tensors, metadata);
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function readHeader(source: ByteSource): Promise<Header> {
  const { name, size } = source;
  if (size < 8) {
    throw new TensorFileError(
      'SAFETENSORS_TRUNCATED',
      name,
      `has ${size} bytes; a safetensors file begins with 8 bytes that give the header's length. Fetch it again.`,
    );
  }
  const start = await source.read(0, 8);
  const length = new DataView(start.buffer, start.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(largestHeader)) {
    throw new TensorFileError(
      'SAFETENSORS_HEADER',
      name,
      `claims a header of ${length} bytes; at most ${largestHeader} are allowed. ${mistakenFile(start, 'safetensors')}`,
    );
  }
  const dataStart = 8 + Number(length);
  if (dataStart > size) {
    throw new TensorFileError(
      'SAFETENSORS_TRUNCATED',
      name,
      `claims a header of ${length} bytes, but only ${size - 8} bytes follow. ${mistakenFile(start, 'safetensors')}`,
    );
  }
  return parseHeader(await source.read(8, Number(length)), dataStart, size - dataStart, name);
}
