/** Reads a safetensors file over byte ranges: the header at once, each tensor when it is asked for. */
import { constants } from 'node:buffer';
import { fileSource, type ByteSource } from '../byte-source.js';
import { isFloat, toFloat32 } from '../float-values.js';
import { dtypeBytes, type TensorBytes } from '../tensor-bytes.js';
import { TensorFileError } from '../tensor-file-error.js';
import type { TensorFile } from '../tensor-file.js';
import { largestHeader, parseHeader, type Header, type StoredTensor } from './header.js';
import { mistakenFile } from './mistaken-file.js';
import { tensorNotFound } from './tensor-not-found.js';

const chunkElements = 1 << 20; // 4 MiB of fp32: large enough to be fast, small beside any model

/**
 * Opens a safetensors file, or any source of its bytes, and checks the whole header.
 * The file stays open until `close()`.
 *
 * Throws FILE_NOT_FOUND, FILE_UNREADABLE, SAFETENSORS_TRUNCATED, _HEADER, _DTYPE, _SHAPE, _OFFSETS.
 */
export async function openSafetensors(file: string | ByteSource): Promise<TensorFile> {
  const source = typeof file === 'string' ? await fileSource(file) : file;
  try {
    const { header, dataStart } = await readHeader(source);
    return tensorFile(source, header, dataStart);
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function readHeader(source: ByteSource): Promise<{ header: Header; dataStart: number }> {
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
      `claims a header of ${length} bytes; at most ${largestHeader} are allowed. ${mistakenFile(start)}`,
    );
  }
  const dataStart = 8 + Number(length);
  if (dataStart > size) {
    throw new TensorFileError(
      'SAFETENSORS_TRUNCATED',
      name,
      `claims a header of ${length} bytes, but only ${size - 8} bytes follow. ${mistakenFile(start)}`,
    );
  }
  return { header: parseHeader(await source.read(8, Number(length)), size - dataStart, name), dataStart };
}

function tensorFile(source: ByteSource, { tensors, metadata }: Header, dataStart: number): TensorFile {
  const find = (name: string): StoredTensor => {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw tensorNotFound(source.name, name, tensors.keys());
    return tensor;
  };

  return {
    name: source.name,
    tensors,
    metadata,

    async read(name): Promise<TensorBytes> {
      const { dtype, shape, byteLength, begin } = find(name);
      if (byteLength > constants.MAX_LENGTH) {
        throw new TensorFileError(
          'TENSOR_TOO_LARGE',
          source.name,
          `tensor ${JSON.stringify(name)} takes ${byteLength} bytes, more than one buffer of this Node holds (${constants.MAX_LENGTH}); read it in pieces with values().`,
        );
      }
      return { dtype, shape, data: await source.read(dataStart + begin, byteLength) };
    },

    async *values(name): AsyncGenerator<Float32Array> {
      const { dtype, byteLength, begin } = find(name);
      if (!isFloat(dtype)) {
        throw new TensorFileError(
          'TENSOR_NOT_FLOAT',
          source.name,
          `tensor ${JSON.stringify(name)} is ${dtype}; expected F32, F16, BF16 or F64. Use read() for its bytes.`,
        );
      }
      const step = chunkElements * dtypeBytes[dtype];
      for (let done = 0; done < byteLength; done += step) {
        const bytes = await source.read(dataStart + begin + done, Math.min(step, byteLength - done));
        yield toFloat32(bytes, dtype);
      }
    },

    close: () => source.close(),
  };
}
