/** Stored values as fp32 values and back. fp64 is rounded to fp32; fp32 to the 16-bit types by ties to even. */
import { dequantize } from './gguf/dequantize.js';
import { quantize, type QuantizedType } from './gguf/quantize.js';
import { narrowBF16, narrowF16, widenBF16, widenF16 } from './half-precision.js';
import { isBlockType, type BlockType, type StoredType } from './tensor-bytes.js';

/** The element types that can be read as fp32 values. */
export type FloatDtype = 'F64' | 'F32' | 'F16' | 'BF16';

export function isFloat(dtype: StoredType): dtype is FloatDtype {
  return dtype === 'F64' || dtype === 'F32' || dtype === 'F16' || dtype === 'BF16';
}

/** The fp32 values of row-major, little-endian bytes or of whole blocks. F32 bytes that are aligned are viewed, not copied. */
export function toFloat32(data: Uint8Array, dtype: FloatDtype | BlockType): Float32Array {
  if (isBlockType(dtype)) return dequantize(data, dtype);
  const { buffer, byteOffset, byteLength } = aligned(data, dtype === 'F64' ? 8 : dtype === 'F32' ? 4 : 2);
  switch (dtype) {
    case 'F64':
      return Float32Array.from(new Float64Array(buffer, byteOffset, byteLength / 8));
    case 'F32':
      return new Float32Array(buffer, byteOffset, byteLength / 4);
    case 'F16':
      return widenF16(new Uint16Array(buffer, byteOffset, byteLength / 2));
    case 'BF16':
      return widenBF16(new Uint16Array(buffer, byteOffset, byteLength / 2));
  }
}

/** fp32 values as little-endian bytes of a float type, or as blocks of 32. F32 is a view of `values`, not a copy. */
export function fromFloat32(values: Float32Array, dtype: FloatDtype | QuantizedType): Uint8Array {
  switch (dtype) {
    case 'Q8_0':
    case 'Q4_0':
      return quantize(values, dtype);
    case 'F64':
      return bytesOf(Float64Array.from(values));
    case 'F32':
      return bytesOf(values);
    case 'F16':
      return bytesOf(narrowF16(values));
    case 'BF16':
      return bytesOf(narrowBF16(values));
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Float64Array | Uint16Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function aligned(data: Uint8Array, width: number): Uint8Array {
  return data.byteOffset % width === 0 ? data : data.slice();
}
