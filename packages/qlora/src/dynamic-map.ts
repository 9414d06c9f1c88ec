/**
 * The signed 8-bit dynamic map, in which the block maxima of double quantisation are kept.
 *
 *   for each decade 10⁻⁶ … 10⁰: 2^i midpoints of [0.1, 1] · 10^(i-6), i = 0 … 6, with both signs; and 0 and 1
 *
 * Source: Dettmers 2015 (arXiv 1511.04561); values and rounding are bitsandbytes'.
 */
const { fround } = Math;

/** Value of each 8-bit code, ascending; index 127 is 0. // [256] */
export const dynamicMap: Float32Array = (() => {
  const positive = Array.from({ length: 7 }, (_, i) => decade(i)).flat();
  return Float32Array.from([...positive.map((value) => -value), 0, ...positive, 1]).sort();
})();

function decade(i: number): number[] {
  const fractions = 2 ** i;
  const step = fround(fround(1 - fround(0.1)) / fractions);
  const edges = Array.from({ length: fractions + 1 }, (_, k) =>
    k < (fractions + 1) >> 1 ? fround(fround(0.1) + step * k) : fround(1 - step * (fractions - k)),
  );
  const scale = fround(10 ** (i - 6));
  return edges.slice(1).map((edge, k) => fround(scale * fround(fround(edges[k]! + edge) / 2)));
}

const midpoints = Float32Array.from(dynamicMap.subarray(1), (value, i) => 0.5 * fround(dynamicMap[i]! + value));

/**
 * The code of a scaled value. bitsandbytes' CPU library first rounds the value to one of 65,536 steps of [-1, 1], so codes
 * near 0 are coarser than the map allows, and 0 itself becomes code 131; the bytes agree only if that is done here too.
 * NaN, which 0 · ∞ gives in a block of tiny values, becomes code 0 as it does there.
 */
export function dynamicCode(value: number): number {
  if (Number.isNaN(value)) return 0;
  const clamped = Math.min(1, Math.max(-1, value));
  const step = Math.trunc(fround(fround(fround(fround(clamped + 1) * 0.5) * 65535) + 0.5));
  const rounded = fround(-1 + fround((2 * step) / 65535));
  let low = 0;
  let high = midpoints.length; // the number of midpoints below `rounded` lies in [low, high]
  while (low < high) {
    const middle = (low + high) >> 1;
    if (midpoints[middle]! < rounded) low = middle + 1;
    else high = middle;
  }
  return low;
}
