import type { OnnxType } from '../kernels/kernel.js';

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
