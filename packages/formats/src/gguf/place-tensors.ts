/** Where a GGUF file's tensors lie: within the file, at multiples of the alignment, apart from each other, each name once. */
import type { ByteSource } from '../byte-source.js';
import { sizeOf } from '../tensor-bytes.js';
import { TensorFileError } from '../tensor-file-error.js';
import type { StoredTensor } from '../tensor-reader.js';
import type { GgufType } from './gguf-type.js';

/** A tensor as its description says, not yet compared with the file. */
export interface DescribedTensor {
  readonly dtype: GgufType;
  readonly shape: readonly number[];
  /** Bytes from the start of the data. */
  readonly offset: bigint;
}

/** In the order of their data. Throws GGUF_HEADER, _TRUNCATED, _OFFSETS. */
export function placeTensors(
  described: readonly [string, DescribedTensor][],
  dataStart: number,
  alignment: number,
  { name: file, size }: ByteSource,
): ReadonlyMap<string, StoredTensor<GgufType>> {
  const tensors: [string, StoredTensor<GgufType>][] = described.map(([name, { dtype, shape, offset }]) => {
    const byteLength = sizeOf(shape, dtype);
    if (offset % BigInt(alignment) !== 0n) {
      throw new TensorFileError(
        'GGUF_OFFSETS',
        file,
        `tensor ${quote(name)} begins at byte ${offset} of the data, which is no multiple of the alignment ${alignment}.`,
      );
    }
    const begin = dataStart + Number(offset); // inexact beyond 2^53, which is past the end of any file
    if (byteLength > 0 && begin + byteLength > size) {
      throw new TensorFileError(
        'GGUF_TRUNCATED',
        file,
        `tensor ${quote(name)} ends at byte ${begin + byteLength}, but the file has only ${size}. It is cut off (an interrupted download?): fetch it again.`,
      );
    }
    return [name, { dtype, shape, byteLength, begin }];
  });
  tensors.sort(([, a], [, b]) => a.begin - b.begin || a.byteLength - b.byteLength);
  checkNames(tensors, file);
  checkOverlaps(tensors, file);
  return new Map(tensors);
}

function checkNames(tensors: readonly [string, StoredTensor<GgufType>][], file: string): void {
  const names = new Set<string>();
  for (const [name] of tensors) {
    if (names.has(name)) {
      throw new TensorFileError(
        'GGUF_HEADER',
        file,
        `tensor ${quote(name)} occurs twice, so its meaning is uncertain; write the file anew.`,
      );
    }
    names.add(name);
  }
}

function checkOverlaps(tensors: readonly [string, StoredTensor<GgufType>][], file: string): void {
  let end = 0;
  let before = '';
  for (const [name, { begin, byteLength }] of tensors) {
    if (byteLength === 0) continue;
    if (begin < end) {
      throw new TensorFileError(
        'GGUF_OFFSETS',
        file,
        `tensors ${quote(before)} and ${quote(name)} overlap: the one ends at byte ${end}, the other begins at ${begin}.`,
      );
    }
    end = begin + byteLength;
    before = name;
  }
}

const quote = (name: string): string => JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name);
