/**
 * The header of a safetensors file, checked before any memory is taken for tensors.
 *
 *   8 bytes   n, little-endian
 *   n bytes   JSON: { name: { dtype, shape, data_offsets: [begin, end] }, …, "__metadata__"?: { string: string } }
 *   the rest  data; offsets count from its first byte
 *
 * Source: the safetensors format description. As its reference library does, the data must be covered without a gap or an
 * overlap; beyond it, a name that occurs twice is refused, since readers would disagree about which one counts.
 */
import { dtypeBytes, sizeOf, type Dtype } from '../tensor-bytes.js';
import { TensorFileError } from '../tensor-file-error.js';
import type { StoredTensor } from '../tensor-reader.js';
import { duplicateKey } from './duplicate-key.js';

/** The reference library's limit, in bytes. */
export const largestHeader = 100_000_000;

export interface Header {
  readonly tensors: ReadonlyMap<string, StoredTensor<Dtype>>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** Parses and checks a header. `dataStart`, `dataLength`: the bytes behind it. `file`: its name in errors. */
export function parseHeader(bytes: Uint8Array, dataStart: number, dataLength: number, file: string): Header {
  const metadata = new Map<string, string>();
  const tensors: [string, StoredTensor<Dtype>][] = [];
  for (const [name, value] of Object.entries(parseObject(bytes, file))) {
    if (name === '__metadata__') readMetadata(value, metadata, file);
    else tensors.push([name, readTensor(name, value, dataLength, file)]);
  }
  tensors.sort(([, a], [, b]) => a.begin - b.begin || a.byteLength - b.byteLength);
  checkCoverage(tensors, dataLength, file);
  const placed = tensors.map(([name, tensor]) => [name, { ...tensor, begin: dataStart + tensor.begin }] as const);
  return { tensors: new Map(placed), metadata };
}

function parseObject(bytes: Uint8Array, file: string): Record<string, unknown> {
  let text: string;
  let parsed: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new TensorFileError(
      'SAFETENSORS_HEADER',
      file,
      `the header is not valid JSON in UTF-8 (${(cause as Error).message}). The file is damaged, or no safetensors file.`,
      { cause },
    );
  }
  if (!isObject(parsed)) {
    throw new TensorFileError(
      'SAFETENSORS_HEADER',
      file,
      `the header is ${describe(parsed)}; expected a JSON object of tensors.`,
    );
  }
  const twice = duplicateKey(text);
  if (twice !== undefined) {
    throw new TensorFileError(
      'SAFETENSORS_HEADER',
      file,
      `the header holds the key ${quote(twice)} twice, so its meaning is uncertain; write the file anew.`,
    );
  }
  return parsed;
}

function readMetadata(value: unknown, metadata: Map<string, string>, file: string): void {
  if (value === null) return; // the reference library takes null for none
  if (!isObject(value)) {
    throw new TensorFileError(
      'SAFETENSORS_HEADER',
      file,
      `__metadata__ is ${describe(value)}; expected an object of strings.`,
    );
  }
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') {
      throw new TensorFileError(
        'SAFETENSORS_HEADER',
        file,
        `__metadata__ field ${quote(key)} is ${describe(text)}; expected a string.`,
      );
    }
    metadata.set(key, text);
  }
}

function readTensor(name: string, value: unknown, dataLength: number, file: string): StoredTensor<Dtype> {
  const at = `tensor ${quote(name)}`;
  if (!isObject(value)) {
    throw new TensorFileError(
      'SAFETENSORS_HEADER',
      file,
      `${at} is ${describe(value)}; expected { dtype, shape, data_offsets }.`,
    );
  }
  const dtype = readDtype(value.dtype, at, file);
  const shape = readShape(value.shape, at, file);
  const offsets = value.data_offsets;
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw new TensorFileError(
      'SAFETENSORS_OFFSETS',
      file,
      `${at}: data_offsets is ${describe(offsets)}; expected two whole numbers [begin, end].`,
    );
  }
  const [begin, end] = offsets as [number, number];
  if (end < begin) {
    throw new TensorFileError('SAFETENSORS_OFFSETS', file, `${at}: data_offsets [${begin}, ${end}] run backwards.`);
  }
  if (end > dataLength) {
    throw new TensorFileError(
      'SAFETENSORS_TRUNCATED',
      file,
      `${at} ends at byte ${end} of the data, but the file holds only ${dataLength}. It is cut off (an interrupted download?): fetch it again.`,
    );
  }
  const byteLength = sizeOf(shape, dtype);
  if (byteLength !== end - begin) {
    throw new TensorFileError(
      'SAFETENSORS_OFFSETS',
      file,
      `${at}: shape [${shape.join(', ')}] of ${dtype} takes ${byteLength} bytes, but data_offsets [${begin}, ${end}] give ${end - begin}.`,
    );
  }
  return { dtype, shape, byteLength, begin };
}

function readDtype(value: unknown, at: string, file: string): Dtype {
  if (typeof value === 'string' && Object.hasOwn(dtypeBytes, value)) return value as Dtype;
  throw new TensorFileError(
    'SAFETENSORS_DTYPE',
    file,
    `${at} has dtype ${describe(value)}; known are ${Object.keys(dtypeBytes).join(', ')}.`,
  );
}

function readShape(value: unknown, at: string, file: string): readonly number[] {
  if (Array.isArray(value) && value.every(isCount)) return value as number[];
  throw new TensorFileError(
    'SAFETENSORS_SHAPE',
    file,
    `${at} has shape ${describe(value)}; expected a list of whole numbers from 0 on.`,
  );
}

function checkCoverage(tensors: readonly [string, StoredTensor<Dtype>][], dataLength: number, file: string): void {
  let position = 0;
  let before = 'the header';
  for (const [name, { begin, byteLength }] of tensors) {
    if (begin !== position) {
      const kind = begin < position ? 'overlap' : 'leave a gap';
      throw new TensorFileError(
        'SAFETENSORS_OFFSETS',
        file,
        `${before} and tensor ${quote(name)} ${kind}: the data of the one end at byte ${position}, those of the other begin at ${begin}.`,
      );
    }
    position = begin + byteLength;
    before = `tensor ${quote(name)}`;
  }
  if (position !== dataLength) {
    throw new TensorFileError(
      'SAFETENSORS_OFFSETS',
      file,
      `the tensors take ${position} bytes, but ${dataLength} bytes of data follow the header; something that no tensor owns stands at the end.`,
    );
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

const quote = (name: string): string => JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name);

/** A value from the file in an error, short however long it is. */
function describe(value: unknown): string {
  if (value === undefined) return 'missing';
  if (Array.isArray(value) && value.length > 16) return `a list of ${value.length}`;
  const text = typeof value === 'object' && value !== null && !Array.isArray(value) ? 'an object' : safeJson(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

function safeJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return 'a deeply nested list'; // JSON.parse follows any depth, JSON.stringify does not
  }
}
