/**
 * Codes of the signed 8-bit dynamic map, in which the block maxima of double quantisation are kept; see @loran/tensor for its values.
 */
import { signedDynamicMap as dynamicMap } from '@loran/tensor';

export { dynamicMap };

const { fround } = Math;

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
