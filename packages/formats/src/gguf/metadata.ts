/**
 * The metadata of a GGUF file: fields of a key and a typed value.
 *
 *   key     length in 8 bytes, UTF-8
 *   type    4 bytes: a place in `valueTypes`
 *   value   a number, little-endian; a string as a key is; an array: type of its elements, count in 8 bytes, elements
 */
import { TensorFileError } from '../tensor-file-error.js';
import { type ElementType, type GgufValue, type NumericType, valueBytes, valueTypes } from './gguf-value.js';
import type { HeaderCursor } from './header-cursor.js';

/** Reads `count` fields. Throws GGUF_HEADER, GGUF_TRUNCATED. */
export async function readMetadata(
  cursor: HeaderCursor,
  count: number,
  file: string,
): Promise<ReadonlyMap<string, GgufValue>> {
  const fields = new Map<string, GgufValue>();
  for (let i = 1; i <= count; i++) {
    const key = await cursor.string(`the key of metadata field ${i} of ${count}`);
    const at = `metadata field ${quote(key)}`;
    if (fields.has(key)) {
      throw new TensorFileError(
        'GGUF_HEADER',
        file,
        `${at} occurs twice, so its meaning is uncertain; write the file anew.`,
      );
    }
    fields.set(key, await readValue(cursor, at, file));
  }
  return fields;
}

async function readValue(cursor: HeaderCursor, at: string, file: string): Promise<GgufValue> {
  const type = await readType(cursor, at, file);
  if (type === 'string') return { type, value: await cursor.string(at) };
  if (type !== 'array') {
    await cursor.reach(valueBytes[type], at);
    const bytes = cursor.bytes(valueBytes[type]);
    if (type === 'bool') return { type, value: readBool(bytes[0]!, at, file) };
    const { value } = readNumbers(bytes, type);
    const number = value[0]!;
    // bigint only where a number would lose digits
    return {
      type,
      value: typeof number === 'bigint' && Number.isSafeInteger(Number(number)) ? Number(number) : number,
    } as GgufValue;
  }
  const element = await readType(cursor, `an element of ${at}`, file);
  if (element === 'array') {
    throw new TensorFileError(
      'GGUF_HEADER',
      file,
      `${at} is an array of arrays, which no reader of models knows; write the file anew without it.`,
    );
  }
  const count = await cursor.count(valueBytes[element], `elements of ${at}`);
  if (element === 'string') return { type: 'string[]', value: await readStrings(cursor, count, at) };
  const length = count * valueBytes[element];
  await cursor.reach(length, at);
  const bytes = cursor.bytes(length);
  if (element === 'bool') return { type: 'bool[]', value: Array.from(bytes, (byte) => readBool(byte, at, file)) };
  return readNumbers(bytes, element);
}

async function readType(cursor: HeaderCursor, at: string, file: string): Promise<ElementType | 'array'> {
  await cursor.reach(4, `the type of ${at}`);
  const code = cursor.uint32();
  const type = valueTypes[code];
  if (type !== undefined) return type;
  throw new TensorFileError(
    'GGUF_HEADER',
    file,
    `${at} has the type ${code}; known are 0 to ${valueTypes.length - 1}. The file is damaged, or newer than this reader.`,
  );
}

async function readStrings(cursor: HeaderCursor, count: number, at: string): Promise<string[]> {
  const strings: string[] = [];
  for (let i = 0; i < count; i++) strings.push(cursor.stringAtHand(at) ?? (await cursor.string(at)));
  return strings;
}

function readBool(byte: number, at: string, file: string): boolean {
  if (byte <= 1) return byte === 1;
  throw new TensorFileError('GGUF_HEADER', file, `${at} is the byte ${byte}; a truth value is 0 or 1.`);
}

function readNumbers(bytes: Uint8Array, type: NumericType): Extract<GgufValue, { type: `${NumericType}[]` }> {
  const { buffer } = bytes.slice(); // aligned, and no view of the window
  switch (type) {
    case 'uint8':
      return { type: 'uint8[]', value: new Uint8Array(buffer) };
    case 'int8':
      return { type: 'int8[]', value: new Int8Array(buffer) };
    case 'uint16':
      return { type: 'uint16[]', value: new Uint16Array(buffer) };
    case 'int16':
      return { type: 'int16[]', value: new Int16Array(buffer) };
    case 'uint32':
      return { type: 'uint32[]', value: new Uint32Array(buffer) };
    case 'int32':
      return { type: 'int32[]', value: new Int32Array(buffer) };
    case 'float32':
      return { type: 'float32[]', value: new Float32Array(buffer) };
    case 'uint64':
      return { type: 'uint64[]', value: new BigUint64Array(buffer) };
    case 'int64':
      return { type: 'int64[]', value: new BigInt64Array(buffer) };
    case 'float64':
      return { type: 'float64[]', value: new Float64Array(buffer) };
  }
}

const quote = (key: string): string => JSON.stringify(key.length > 200 ? `${key.slice(0, 200)}…` : key);
