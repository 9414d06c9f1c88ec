/**
 * Element types of ONNX tensors: their numbers in a TensorProto and their bytes in memory.
 */
import type { OnnxType } from '../kernels/kernel.js';

/** `TensorProto.DataType` of each type. */
export const elementTypeCode: Readonly<Record<OnnxType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int32: 6,
  int64: 7,
  bool: 9,
  uint32: 12,
  bfloat16: 16,
};

/** Little-endian bytes of `values` as ONNX keeps them in `raw_data`. bfloat16 values are cut, not rounded. */
export function rawData(type: OnnxType, values: ArrayLike<number>): Uint8Array {
  switch (type) {
    case 'float32':
      return bytesOf(Float32Array.from(values));
    case 'int32':
      return bytesOf(Int32Array.from(values));
    case 'uint32':
      return bytesOf(Uint32Array.from(values));
    case 'int64':
      return bytesOf(BigInt64Array.from(Array.from(values, (value) => BigInt(value))));
    case 'uint16':
      return bytesOf(Uint16Array.from(values));
    case 'uint8':
      return Uint8Array.from(values);
    case 'int8':
      return bytesOf(Int8Array.from(values));
    case 'bool':
      return Uint8Array.from(values, (value) => (value === 0 ? 0 : 1));
    case 'bfloat16':
      return bytesOf(Uint16Array.from(new Uint32Array(Float32Array.from(values).buffer), (bits) => bits >>> 16));
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: NodeJS.TypedArray): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
