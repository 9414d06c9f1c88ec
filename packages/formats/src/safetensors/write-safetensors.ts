/**
 * Writes a safetensors file with the very bytes that the reference library writes: wider element types first, then by
 * name; the header padded with spaces to a multiple of 8. The file is replaced whole or not at all.
 */
import type { TensorValues } from '../encode-values.js';
import { replaceFile, type NewFile } from '../replace-file.js';
import { dtypeBytes, sizeOf, type Dtype, type TensorBytes, type TensorChunks } from '../tensor-bytes.js';
import { TensorFileError } from '../tensor-file-error.js';
import { writeTensor, wrongSize } from '../write-tensor.js';
import { largestHeader } from './header.js';

type Written = TensorBytes | TensorChunks | TensorValues<'F32' | 'F16' | 'BF16'>;

export type Entry = readonly [name: string, tensor: Written];

/**
 * Writes `tensors` to `path`. A tensor that gives `chunks()`, or `values()` to be narrowed, is streamed and never held whole.
 * `metadata`: strings for the `__metadata__` field, in the order given; no such field when omitted.
 *
 * Throws INVALID_TENSOR (a name twice, bytes that do not fit the shape, a value beyond F16) and WRITE_FAILED; the old file is kept then.
 */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<Entry>,
  metadata?: Readonly<Record<string, string>>,
): Promise<void> {
  const file = safetensorsFile(path, tensors, metadata);
  await replaceFile(file.path, file.produce);
}

/** The file that `writeSafetensors` writes, its header checked: for writing several together. `wrote` is told the tensors' bytes. */
export function safetensorsFile(
  path: string,
  tensors: Iterable<Entry>,
  metadata?: Readonly<Record<string, string>>,
  wrote?: (bytes: number) => void,
): NewFile {
  const entries = [...tensors].sort(inFileOrder);
  const header = encodeHeader(path, entries, metadata);
  return {
    path,
    async produce(write) {
      await write(header);
      for (const [name, tensor] of entries) await writeTensor(write, path, name, tensor, wrote);
    },
  };
}

const rank = new Map(Object.keys(dtypeBytes).map((dtype, index) => [dtype as Dtype, index]));

function inFileOrder([nameA, a]: Entry, [nameB, b]: Entry): number {
  return (rank.get(b.dtype) ?? 0) - (rank.get(a.dtype) ?? 0) || Buffer.compare(Buffer.from(nameA), Buffer.from(nameB));
}

function encodeHeader(
  path: string,
  entries: readonly Entry[],
  metadata: Readonly<Record<string, string>> | undefined,
): Uint8Array {
  const fields = metadata === undefined ? [] : [`"__metadata__":${JSON.stringify(metadata)}`];
  const names = new Set<string>();
  let begin = 0;
  for (const [name, tensor] of entries) {
    const { dtype, shape } = tensor;
    if (names.has(name) || name === '__metadata__') {
      throw new TensorFileError(
        'INVALID_TENSOR',
        path,
        `the name ${JSON.stringify(name)} is ${name === '__metadata__' ? 'reserved' : 'given twice'}; each tensor needs its own.`,
      );
    }
    names.add(name);
    const size = sizeOf(shape, dtype);
    if (
      !shape.every((n) => Number.isSafeInteger(n) && n >= 0) ||
      !Number.isSafeInteger(size) ||
      ('data' in tensor && tensor.data.byteLength !== size)
    ) {
      throw wrongSize(path, name, tensor, 'data' in tensor ? tensor.data.byteLength : Number.NaN);
    }
    fields.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [begin, begin + size] })}`);
    begin += size;
  }
  const json = Buffer.from(`{${fields.join(',')}}`);
  const length = Math.ceil(json.byteLength / 8) * 8;
  if (length > largestHeader) {
    throw new TensorFileError(
      'INVALID_TENSOR',
      path,
      `the header would take ${length} bytes; at most ${largestHeader} are allowed.`,
    );
  }
  const header = Buffer.alloc(8 + length, ' ');
  header.writeBigUInt64LE(BigInt(length), 0);
  json.copy(header, 8);
  return header;
}
