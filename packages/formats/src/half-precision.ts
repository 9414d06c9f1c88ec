/**
 * 16-bit floats, to and from fp32.
 *
 *   F16   1 sign, 5 exponent, 10 mantissa bits   IEEE 754 binary16
 *   BF16  1 sign, 8 exponent,  7 mantissa bits   the upper half of an fp32
 *
 * Widening is exact. Narrowing rounds to the nearest, ties to even, as hardware and PyTorch do; NaN stays NaN.
 */
const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

let f16Table: Float32Array | undefined; // 256 KiB, made at first use

/** The fp32 value of each of the 65,536 F16 bit patterns. */
export function f16Values(): Float32Array {
  return (f16Table ??= Float32Array.from({ length: 65536 }, (_, pattern) => f16Value(pattern)));
}

/** F16 bit patterns as fp32 values. */
export function widenF16(patterns: Uint16Array): Float32Array {
  const f16 = f16Values();
  const values = new Float32Array(patterns.length);
  for (let i = 0; i < patterns.length; i++) values[i] = f16[patterns[i]!]!;
  return values;
}

/** BF16 bit patterns as fp32 values. */
export function widenBF16(patterns: Uint16Array): Float32Array {
  const bits = new Uint32Array(patterns.length);
  for (let i = 0; i < patterns.length; i++) bits[i] = patterns[i]! << 16;
  return new Float32Array(bits.buffer);
}

/** fp32 values as F16 bit patterns; beyond 65,519.99 they become infinite. */
export function narrowF16(values: Float32Array): Uint16Array {
  const patterns = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    scratch[0] = values[i]!;
    patterns[i] = f16Pattern(scratchBits[0]!);
  }
  return patterns;
}

/** fp32 values as BF16 bit patterns. */
export function narrowBF16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const patterns = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const b = bits[i]!;
    const isNaN = (b & 0x7fffffff) > 0x7f800000;
    patterns[i] = isNaN ? (b >>> 16) | 0x40 : (b + 0x7fff + ((b >>> 16) & 1)) >>> 16;
  }
  return patterns;
}

function f16Value(pattern: number): number {
  const sign = pattern & 0x8000 ? -1 : 1;
  const exponent = (pattern >> 10) & 0x1f;
  const mantissa = pattern & 0x3ff;
  if (exponent === 0x1f) return mantissa === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * mantissa * 2 ** -24 : sign * (1024 + mantissa) * 2 ** (exponent - 25);
}

function f16Pattern(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x47800000) return sign | 0x7c00; // 65,536 and above
  if (magnitude >= 0x38800000) {
    // normal: drop 13 mantissa bits; a carry runs on into the exponent, up to infinity, as it should
    return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
  }
  if (magnitude < 0x33000000) return sign; // below half of the smallest subnormal
  const shift = 126 - (magnitude >>> 23); // subnormal: value = mantissa · 2^(exponent − 150), unit 2^−24
  const mantissa = (magnitude & 0x7fffff) | 0x800000;
  const kept = mantissa >>> shift;
  const rest = mantissa & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return sign | (kept + (rest > half || (rest === half && (kept & 1) === 1) ? 1 : 0));
}
