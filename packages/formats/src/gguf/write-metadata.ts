/** Writes the metadata of a GGUF file; the layout is described in metadata.ts. */
import { TensorFileError } from '../tensor-file-error.js';
import { type ElementType, type GgufValue, valueBytes, valueTypes } from './gguf-value.js';
import type { HeaderWriter } from './header-writer.js';

const ranges: Readonly<Partial<Record<ElementType, readonly [least: bigint, most: bigint]>>> = {
  uint8: [0n, 255n],
  int8: [-128n, 127n],
  uint16: [0n, 65535n],
  int16: [-32768n, 32767n],
  uint32: [0n, 2n ** 32n - 1n],
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
};

/** Throws INVALID_METADATA: a key twice or empty, or a value that is not of its type. */
export function writeMetadata(
  writer: HeaderWriter,
  fields: readonly (readonly [string, GgufValue])[],
  file: string,
): void {
  const keys = new Set<string>();
  for (const [key, field] of fields) {
    const refuse = (complaint: string) =>
      new TensorFileError('INVALID_METADATA', file, `metadata field ${JSON.stringify(key)} ${complaint}.`);
    if (key === '' || keys.has(key)) throw refuse(key === '' ? 'has no name' : 'is given twice');
    keys.add(key);
    writer.string(key);
    writeField(writer, field, refuse);
  }
}

function writeField(writer: HeaderWriter, field: GgufValue, refuse: (complaint: string) => TensorFileError): void {
  const isArray = field.type.endsWith('[]');
  const type = (isArray ? field.type.slice(0, -2) : field.type) as ElementType;
  const code = valueTypes.indexOf(type);
  if (code < 0 || (type as string) === 'array')
    throw refuse(`has the type ${JSON.stringify(field.type)}, which GGUF lacks`);
  if (!isArray) {
    writer.uint32(code);
    writeValue(writer, type, field.value, refuse);
    return;
  }
  const elements = field.value as ArrayLike<unknown> & Iterable<unknown>;
  writer.uint32(valueTypes.indexOf('array'));
  writer.uint32(code);
  writer.uint64(elements.length);
  for (const element of elements) writeValue(writer, type, element, refuse);
}

function writeValue(
  writer: HeaderWriter,
  type: ElementType,
  value: unknown,
  refuse: (complaint: string) => TensorFileError,
): void {
  if (type === 'string' && typeof value === 'string') {
    writer.string(value);
    return;
  }
  const bytes = new DataView(new ArrayBuffer(8));
  const range = ranges[type];
  if (type === 'bool' && typeof value === 'boolean') bytes.setUint8(0, value ? 1 : 0);
  else if (type === 'float32' && typeof value === 'number') bytes.setFloat32(0, value, true);
  else if (type === 'float64' && typeof value === 'number') bytes.setFloat64(0, value, true);
  else if (range !== undefined && isWhole(value) && value >= range[0] && value <= range[1]) {
    bytes.setBigInt64(0, BigInt(value), true); // two's complement: its lower bytes are the narrower types
  } else throw refuse(`holds ${typeof value === 'bigint' ? value : JSON.stringify(value)}, which is no ${type}`);
  writer.bytes(new Uint8Array(bytes.buffer, 0, valueBytes[type]));
}

const isWhole = (value: unknown): value is number | bigint => typeof value === 'bigint' || Number.isSafeInteger(value);
