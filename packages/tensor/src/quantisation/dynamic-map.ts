/**
 * The 8-bit dynamic maps: for each code a value in [-1, 1], or in [0, 1], spread over seven decades. The block maxima of double
 * quantisation are kept in the signed one; 8-bit optimisers keep the first moment in the signed, the second in the unsigned one.
 *
 *   signed     2^i midpoints of [0.1, 1] · 10^(i-6), i = 0 … 6, with both signs; and 0 and 1; code 127 is 0
 *   unsigned   2^(i+1) midpoints of each decade; and 0 and 1; code 0 is 0
 *
 * Source: Dettmers 2015 (arXiv 1511.04561); values and rounding are bitsandbytes'.
 */
const { fround } = Math;

/** Value of each code, ascending. // [256] */
export const signedDynamicMap: Float32Array = ascending(decades((i) => 2 ** i).flatMap((value) => [-value, value]));

/** Value of each code, ascending. // [256] */
export const unsignedDynamicMap: Float32Array = ascending(decades((i) => 2 ** (i + 1)));

function ascending(values: readonly number[]): Float32Array {
  return Float32Array.from([...values, 0, 1]).sort();
}

function decades(count: (i: number) => number): number[] {
  return Array.from({ length: 7 }, (_, i) => decade(count(i), fround(10 ** (i - 6)))).flat();
}

/** Midpoints of that many equal parts of [0.1, 1], times `scale`, with torch's roundings. */
function decade(parts: number, scale: number): number[] {
  const step = fround(fround(1 - fround(0.1)) / parts);
  const edges = Array.from({ length: parts + 1 }, (_, k) =>
    k < (parts + 1) >> 1 ? fround(fround(0.1) + step * k) : fround(1 - step * (parts - k)),
  );
  return edges.slice(1).map((edge, k) => fround(scale * fround(fround(edges[k]! + edge) / 2)));
}
