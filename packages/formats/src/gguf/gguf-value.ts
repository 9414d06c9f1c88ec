/** One value of a GGUF file's metadata with the type in which it is stored, so that what was read can be written again as it was. */

/** An array comes as the typed array of its elements; 64-bit integers are bigint where a number would not be exact. */
export type GgufValue =
  | {
      readonly type: 'uint8' | 'int8' | 'uint16' | 'int16' | 'uint32' | 'int32' | 'float32' | 'float64';
      readonly value: number;
    }
  | { readonly type: 'uint64' | 'int64'; readonly value: number | bigint }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'uint8[]'; readonly value: Uint8Array }
  | { readonly type: 'int8[]'; readonly value: Int8Array }
  | { readonly type: 'uint16[]'; readonly value: Uint16Array }
  | { readonly type: 'int16[]'; readonly value: Int16Array }
  | { readonly type: 'uint32[]'; readonly value: Uint32Array }
  | { readonly type: 'int32[]'; readonly value: Int32Array }
  | { readonly type: 'float32[]'; readonly value: Float32Array }
  | { readonly type: 'uint64[]'; readonly value: BigUint64Array }
  | { readonly type: 'int64[]'; readonly value: BigInt64Array }
  | { readonly type: 'float64[]'; readonly value: Float64Array }
  | { readonly type: 'bool[]'; readonly value: readonly boolean[] }
  | { readonly type: 'string[]'; readonly value: readonly string[] };

export type ElementType = Exclude<GgufValue['type'], `${string}[]`>;
export type NumericType = Exclude<ElementType, 'bool' | 'string'>;

/** The place of a type in this list is its code in the file; 9 means an array, whose elements' type follows. */
export const valueTypes: readonly (ElementType | 'array')[] = [
  'uint8',
  'int8',
  'uint16',
  'int16',
  'uint32',
  'int32',
  'float32',
  'bool',
  'string',
  'array',
  'uint64',
  'int64',
  'float64',
];

/** Bytes of one value; of a string, those of its length alone. */
export const valueBytes: Readonly<Record<ElementType, number>> = {
  uint8: 1,
  int8: 1,
  uint16: 2,
  int16: 2,
  uint32: 4,
  int32: 4,
  float32: 4,
  bool: 1,
  string: 8,
  uint64: 8,
  int64: 8,
  float64: 8,
};
