/**
 * Writes a GGUF file of version 3, little-endian; the layout is described in header.ts. The fields and tensors stand in the
 * order given, as the reference writer puts them. The file is replaced whole or not at all.
 */
import type { TensorValues } from '../encode-values.js';
import { replaceFile } from '../replace-file.js';
import { blockSizes, isBlockType, sizeOf, type TensorBytes, type TensorChunks } from '../tensor-bytes.js';
import { TensorFileError } from '../tensor-file-error.js';
import { writeProgress, type WriteProgressOptions } from '../write-progress.js';
import { writeTensor, wrongSize } from '../write-tensor.js';
import { type GgufType, ggufTypeCodes } from './gguf-type.js';
import type { GgufValue } from './gguf-value.js';
import { largestRank, readAlignment } from './header.js';
import { HeaderWriter } from './header-writer.js';
import { writeMetadata } from './write-metadata.js';

/** Shapes are row-major, as everywhere here; the file names the sizes in reverse. */
export type GgufTensor = TensorBytes<GgufType> | TensorChunks<GgufType> | TensorValues;

export interface GgufContents {
  /** Metadata: a map as `openGguf` gives it, or pairs. llama.cpp wants `general.architecture` first. */
  readonly fields: Iterable<readonly [key: string, value: GgufValue]>;
  readonly tensors: Iterable<readonly [name: string, tensor: GgufTensor]>;
}

const longestName = 63; // bytes; llama.cpp takes no more

/**
 * Writes `contents` to `path`. Tensors that give `chunks()` or `values()` are streamed and never held whole.
 *
 * Throws INVALID_METADATA, INVALID_TENSOR (a name twice or too long, rows that are no whole blocks, bytes that do not fit the
 * shape, values that the type cannot hold) and WRITE_FAILED; the old file is kept then.
 */
export async function writeGguf(
  path: string,
  contents: GgufContents,
  options: WriteProgressOptions = {},
): Promise<void> {
  const fields = [...contents.fields];
  const tensors = [...contents.tensors];
  const alignment = readAlignment(new Map(fields), path);
  const header = encodeHeader(path, fields, tensors, alignment);
  const progress = writeProgress(tensors, options);
  await replaceFile(path, async (write) => {
    await write(header);
    for (const [name, tensor] of tensors) {
      await writeTensor(write, path, name, tensor, progress);
      await write(new Uint8Array(padding(sizeOf(tensor.shape, tensor.dtype), alignment)));
    }
  });
}

function encodeHeader(
  path: string,
  fields: readonly (readonly [string, GgufValue])[],
  tensors: readonly (readonly [string, GgufTensor])[],
  alignment: number,
): Uint8Array {
  const writer = new HeaderWriter();
  writer.bytes(Buffer.from('GGUF'));
  writer.uint32(3);
  writer.uint64(tensors.length);
  writer.uint64(fields.length);
  writeMetadata(writer, fields, path);
  const names = new Set<string>();
  let offset = 0;
  for (const [name, tensor] of tensors) {
    if (names.has(name)) throw invalid(path, name, 'is given twice; each tensor needs its own name');
    names.add(name);
    checkTensor(path, name, tensor);
    writer.string(name);
    writer.uint32(tensor.shape.length);
    for (const size of [...tensor.shape].reverse()) writer.uint64(size);
    writer.uint32(ggufTypeCodes[tensor.dtype]);
    writer.uint64(offset);
    const size = sizeOf(tensor.shape, tensor.dtype);
    offset += size + padding(size, alignment);
  }
  return writer.padded(alignment);
}

function checkTensor(path: string, name: string, tensor: GgufTensor): void {
  const { dtype, shape } = tensor;
  const nameBytes = Buffer.byteLength(name);
  if (nameBytes > longestName) {
    throw invalid(path, name, `has a name of ${nameBytes} bytes; GGUF's readers take at most ${longestName}`);
  }
  if (!Object.hasOwn(ggufTypeCodes, dtype)) {
    throw invalid(path, name, `is ${dtype}; GGUF has ${Object.keys(ggufTypeCodes).join(', ')}`);
  }
  const size = sizeOf(shape, dtype);
  if (
    !shape.every((n) => Number.isSafeInteger(n) && n >= 0) ||
    !Number.isSafeInteger(size) ||
    shape.length > largestRank
  ) {
    throw invalid(path, name, `has the shape [${shape.join(', ')}]; expected at most ${largestRank} whole numbers`);
  }
  const row = shape.at(-1) ?? 1;
  if (isBlockType(dtype) && row % blockSizes[dtype].values !== 0) {
    throw invalid(
      path,
      name,
      `has rows of ${row} values, but ${dtype} stores blocks of ${blockSizes[dtype].values}; keep it in F16 or F32`,
    );
  }
  if ('data' in tensor && tensor.data.byteLength !== size) throw wrongSize(path, name, tensor, tensor.data.byteLength);
}

const padding = (size: number, alignment: number): number => (alignment - (size % alignment)) % alignment;

function invalid(path: string, name: string, complaint: string): TensorFileError {
  return new TensorFileError('INVALID_TENSOR', path, `tensor ${JSON.stringify(name)} ${complaint}.`);
}
