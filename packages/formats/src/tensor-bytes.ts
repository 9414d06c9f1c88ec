/** A named tensor's raw contents as files hold them: no tensor library needed. */

/** Element types, with safetensors' names. F8_*: 8-bit floats, kept as bytes; C64: two F32. */
export type Dtype =
  | 'BOOL'
  | 'U8'
  | 'I8'
  | 'F8_E5M2'
  | 'F8_E4M3'
  | 'F8_E8M0'
  | 'F8_E4M3FNUZ'
  | 'F8_E5M2FNUZ'
  | 'I16'
  | 'U16'
  | 'F16'
  | 'BF16'
  | 'I32'
  | 'U32'
  | 'F32'
  | 'C64'
  | 'F64'
  | 'I64'
  | 'U64';

/** Bytes of one element, in the order in which the reference library ranks the types. */
export const dtypeBytes: Readonly<Record<Dtype, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  F8_E8M0: 1,
  F8_E4M3FNUZ: 1,
  F8_E5M2FNUZ: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  C64: 8,
  F64: 8,
  I64: 8,
  U64: 8,
};

/** Quantised types, with ggml's names: a row is cut into blocks of values that share a scale, so no value stands alone. */
export type BlockType = 'Q4_0' | 'Q4_1' | 'Q5_0' | 'Q5_1' | 'Q8_0' | 'Q2_K' | 'Q3_K' | 'Q4_K' | 'Q5_K' | 'Q6_K';

/** Values and bytes of one block. */
export const blockSizes: Readonly<Record<BlockType, { readonly values: number; readonly bytes: number }>> = {
  Q4_0: { values: 32, bytes: 18 },
  Q4_1: { values: 32, bytes: 20 },
  Q5_0: { values: 32, bytes: 22 },
  Q5_1: { values: 32, bytes: 24 },
  Q8_0: { values: 32, bytes: 34 },
  Q2_K: { values: 256, bytes: 84 },
  Q3_K: { values: 256, bytes: 110 },
  Q4_K: { values: 256, bytes: 144 },
  Q5_K: { values: 256, bytes: 176 },
  Q6_K: { values: 256, bytes: 210 },
};

export type StoredType = Dtype | BlockType;

export function isBlockType(type: StoredType): type is BlockType {
  return Object.hasOwn(blockSizes, type);
}

/** Bytes of a tensor; beyond 2^53 the result is inexact, but never equal to a length that a file can have. */
export function sizeOf(shape: readonly number[], type: StoredType): number {
  const { values, bytes } = isBlockType(type) ? blockSizes[type] : { values: 1, bytes: dtypeBytes[type] };
  return (shape.reduce((product, size) => product * size, 1) / values) * bytes;
}

export interface TensorBytes<Type extends StoredType = Dtype> {
  readonly dtype: Type;
  readonly shape: readonly number[];
  /** Row-major, little-endian. */
  readonly data: Uint8Array;
}

/** A tensor whose bytes come in pieces, for a writer that should never hold it whole. */
export interface TensorChunks<Type extends StoredType = Dtype> {
  readonly dtype: Type;
  readonly shape: readonly number[];
  /** Successive runs of the row-major, little-endian bytes. */
  chunks(): AsyncIterable<Uint8Array>;
}
