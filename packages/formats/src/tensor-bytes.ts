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

export interface TensorBytes {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Row-major, little-endian. */
  readonly data: Uint8Array;
}

/** A tensor whose bytes come in pieces, for a writer that should never hold it whole. */
export interface TensorChunks {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Successive runs of the row-major, little-endian bytes. */
  chunks(): AsyncIterable<Uint8Array>;
}
