/**
 * The header of a GGUF file, checked before any memory is taken for tensors.
 *
 *   "GGUF"      4 bytes
 *   version     4 bytes
 *   counts      8 bytes each: tensors, metadata fields
 *   metadata    see metadata.ts
 *   tensors     name, number of sizes (4 bytes), sizes (8 bytes each, the fastest first), type (4), offset (8)
 *   data        from the next multiple of general.alignment (32 by default) on; offsets count from there, and are multiples too
 *
 * All little-endian. Source: the GGUF specification of ggml. Beyond it, names that occur twice, tensors that overlap and
 * arrays of arrays are refused, as llama.cpp does.
 */
import type { ByteSource } from '../byte-source.js';
import { mistakenFile } from '../mistaken-file.js';
import { blockSizes, isBlockType } from '../tensor-bytes.js';
import { TensorFileError } from '../tensor-file-error.js';
import type { StoredTensor } from '../tensor-reader.js';
import { type GgufType, ggufTypeCodes, ggufTypeOf, unreadTypes } from './gguf-type.js';
import type { GgufValue } from './gguf-value.js';
import { HeaderCursor } from './header-cursor.js';
import { readMetadata } from './metadata.js';
import { placeTensors, type DescribedTensor } from './place-tensors.js';

export interface GgufHeader {
  readonly version: number;
  readonly fields: ReadonlyMap<string, GgufValue>;
  readonly tensors: ReadonlyMap<string, StoredTensor<GgufType>>;
}

export const largestRank = 4; // ggml's
const shortestField = 8 + 4 + 1; // bytes: an empty key, a type, a byte
const shortestTensor = 8 + 4 + 4 + 8; // bytes: an empty name, no sizes, a type, an offset

/** Reads and checks a header. Throws GGUF_HEADER, _VERSION, _SPLIT, _TRUNCATED, _TYPE, _SHAPE, _OFFSETS. */
export async function readGgufHeader(source: ByteSource): Promise<GgufHeader> {
  const { name: file } = source;
  const cursor = new HeaderCursor(source);
  const version = await readVersion(cursor, source);
  const tensorCount = await cursor.count(shortestTensor, 'tensors');
  const fieldCount = await cursor.count(shortestField, 'metadata fields');
  const fields = await readMetadata(cursor, fieldCount, file);
  refuseSplit(fields, file);
  const alignment = readAlignment(fields, file);
  const described: [string, DescribedTensor][] = [];
  for (let i = 1; i <= tensorCount; i++) described.push(await readTensor(cursor, `${i} of ${tensorCount}`, file));
  const dataStart = Math.ceil(cursor.position / alignment) * alignment;
  return { version, fields, tensors: placeTensors(described, dataStart, alignment, source) };
}

async function readVersion(cursor: HeaderCursor, source: ByteSource): Promise<number> {
  const { name: file, size } = source;
  if (size < 8) {
    throw new TensorFileError(
      'GGUF_TRUNCATED',
      file,
      `has ${size} bytes; a GGUF file begins with 24 bytes of version and counts. Fetch it again.`,
    );
  }
  await cursor.reach(8, 'a version');
  const start = cursor.bytes(8);
  if (String.fromCharCode(...start.subarray(0, 4)) !== 'GGUF') {
    throw new TensorFileError(
      'GGUF_HEADER',
      file,
      `does not begin with the letters GGUF. ${mistakenFile(start, 'GGUF')}`,
    );
  }
  const version = new DataView(start.buffer, start.byteOffset).getUint32(4, true);
  if (version === 2 || version === 3) return version;
  throw new TensorFileError(
    'GGUF_VERSION',
    file,
    version % 65536 === 0 && version > 0
      ? 'is big-endian; only little-endian files are read. Convert it with the `gguf` Python package: `gguf-convert-endian FILE little`.'
      : `is of GGUF version ${version}; versions 2 and 3 are read. Convert the model again with a current llama.cpp.`,
  );
}

function refuseSplit(fields: ReadonlyMap<string, GgufValue>, file: string): void {
  const count = fields.get('split.count')?.value;
  if (count === undefined || count === 0 || count === 1) return;
  throw new TensorFileError(
    'GGUF_SPLIT',
    file,
    `is one of the ${String(count)} parts of a split model. Join them: \`llama-gguf-split --merge FIRST-PART.gguf WHOLE.gguf\`.`,
  );
}

/** Bytes at whose multiples the tensors begin. */
export function readAlignment(fields: ReadonlyMap<string, GgufValue>, file: string): number {
  const field = fields.get('general.alignment');
  if (field === undefined) return 32;
  // a power of two has one bit set
  if (field.type === 'uint32' && field.value > 0 && (field.value & (field.value - 1)) === 0) return field.value;
  throw new TensorFileError(
    'GGUF_HEADER',
    file,
    `general.alignment is ${typeof field.value === 'number' ? field.value : 'no number'} (${field.type}); expected a power of two as uint32.`,
  );
}

async function readTensor(cursor: HeaderCursor, place: string, file: string): Promise<[string, DescribedTensor]> {
  const name = await cursor.string(`the name of tensor ${place}`);
  const at = `tensor ${quote(name)}`;
  await cursor.reach(4, `the number of sizes of ${at}`);
  const rank = cursor.uint32();
  if (rank > largestRank) {
    throw new TensorFileError('GGUF_SHAPE', file, `${at} has ${rank} sizes; a GGUF tensor has at most ${largestRank}.`);
  }
  await cursor.reach(rank * 8 + 12, `the description of ${at}`);
  const sizes = Array.from({ length: rank }, () => cursor.uint64());
  const code = cursor.uint32();
  const offset = cursor.uint64();
  const dtype = ggufTypeOf(code);
  if (dtype === undefined) {
    const known = Object.keys(ggufTypeCodes).join(', ');
    throw new TensorFileError(
      'GGUF_TYPE',
      file,
      `${at} has the type ${unreadTypes.get(code) ?? code}; known are ${known}. Choose a file in one of these, or quantise the original model anew.`,
    );
  }
  return [name, { dtype, shape: checkedShape(sizes, dtype, at, file), offset }];
}

/** Row-major: ggml names the fastest size first. */
function checkedShape(sizes: readonly bigint[], dtype: GgufType, at: string, file: string): readonly number[] {
  const shape = sizes.map(Number).reverse();
  const elements = sizes.reduce((product, size) => product * size, 1n);
  if (!shape.every(Number.isSafeInteger) || elements > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new TensorFileError(
      'GGUF_SHAPE',
      file,
      `${at} has the shape [${shape.join(', ')}], which no file can hold. The file is damaged: fetch it again.`,
    );
  }
  const block = isBlockType(dtype) ? blockSizes[dtype].values : 1;
  const row = shape.at(-1) ?? 1;
  if (row % block !== 0) {
    throw new TensorFileError(
      'GGUF_SHAPE',
      file,
      `${at} has rows of ${row} values; ${dtype} stores them in blocks of ${block}.`,
    );
  }
  return shape;
}

const quote = (name: string): string => JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name);
