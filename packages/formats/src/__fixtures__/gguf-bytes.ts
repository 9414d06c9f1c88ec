/** GGUF files made by hand for the tests, right or wrong: every count, length and offset may lie. */
import { HeaderWriter } from '../gguf/header-writer.js';
import { valueTypes } from '../gguf/gguf-value.js';

export interface FieldBytes {
  readonly key: string;
  /** Code of the type; a number for one that does not exist. */
  readonly type: (typeof valueTypes)[number] | number;
  readonly value: Uint8Array;
}

export interface TensorDescription {
  readonly name: string;
  /** ggml's order: the fastest size first. */
  readonly sizes: readonly (number | bigint)[];
  readonly type: number;
  readonly offset: number | bigint;
  /** The number of sizes that the file claims. */
  readonly rank?: number;
}

export interface GgufParts {
  readonly magic?: string;
  readonly version?: number;
  readonly fields?: readonly FieldBytes[];
  readonly tensors?: readonly TensorDescription[];
  readonly fieldCount?: bigint;
  readonly tensorCount?: bigint;
  readonly dataLength?: number;
}

export function ggufOf({ magic = 'GGUF', version = 3, fields = [], tensors = [], ...lies }: GgufParts): Uint8Array {
  const writer = new HeaderWriter();
  writer.bytes(Buffer.from(magic));
  writer.uint32(version);
  writer.uint64(lies.tensorCount ?? tensors.length);
  writer.uint64(lies.fieldCount ?? fields.length);
  for (const { key, type, value } of fields) {
    writer.string(key);
    writer.uint32(typeof type === 'number' ? type : valueTypes.indexOf(type));
    writer.bytes(value);
  }
  for (const { name, sizes, type, offset, rank } of tensors) {
    writer.string(name);
    writer.uint32(rank ?? sizes.length);
    for (const size of sizes) writer.uint64(size);
    writer.uint32(type);
    writer.uint64(offset);
  }
  return Buffer.concat([writer.padded(32), new Uint8Array(lies.dataLength ?? 0)]);
}

/** The value of a field: an unsigned number, a string (whose length may lie), or an array of any element bytes. */
export const uint32Value = (value: number): Uint8Array => little(BigInt(value), 4);
export const stringValue = (text: string | Uint8Array, length?: bigint): Uint8Array =>
  Buffer.concat([little(length ?? BigInt(Buffer.from(text).length), 8), Buffer.from(text)]);
export const arrayValue = (element: (typeof valueTypes)[number], count: bigint, bytes: Uint8Array): Uint8Array =>
  Buffer.concat([uint32Value(valueTypes.indexOf(element)), little(count, 8), bytes]);

function little(value: bigint, length: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes.subarray(0, length);
}
