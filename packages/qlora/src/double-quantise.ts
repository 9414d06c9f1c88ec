/**
 * Double quantisation: the block maxima themselves in 8 bits, so that a parameter costs 4.127 bits instead of 4.5.
 *
 *   offset    = mean(absmax)
 *   nested[k] = max |absmax − offset| over 256 blocks
 *   absmax[b] ≈ map[code[b]] · nested[b / 256] + offset
 *
 *   absmax, code [blocks]     nested [blocks / 256, rounded up]     map: the signed dynamic map
 *
 * Source: Dettmers et al. 2023 (QLoRA, arXiv 2305.14314), section 3. Given the offset, equal to bitsandbytes byte for byte;
 * its mean is summed in fp32 in torch's order, ours in fp64, so that the two offsets may differ in the last bit.
 */
import { dynamicCode } from './dynamic-map.js';

export const nestedBlockSize = 256;

export interface NestedAbsmax {
  readonly codes: Uint8Array; // [blocks]
  readonly absmax: Float32Array; // [blocks / 256, rounded up]
  readonly offset: number; // fp32
}

/** `offset`: given when it must be another's, to the bit; default: the mean. */
export function doubleQuantise(absmax: Float32Array, offset: number = mean(absmax)): NestedAbsmax {
  const codes = new Uint8Array(absmax.length);
  const nested = new Float32Array(Math.ceil(absmax.length / nestedBlockSize));
  const centred = absmax.map((value) => value - offset);
  for (let block = 0; block < nested.length; block++) {
    const values = centred.subarray(block * nestedBlockSize, (block + 1) * nestedBlockSize);
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    nested[block] = largest;
    if (largest === 0) continue; // codes stay 0, as bitsandbytes leaves them
    const reciprocal = Math.fround(1 / largest);
    values.forEach((value, i) => {
      codes[block * nestedBlockSize + i] = dynamicCode(Math.fround(value * reciprocal));
    });
  }
  return { codes, absmax: nested, offset };
}

/** Computed in fp64, rounded to fp32. */
function mean(values: Float32Array): number {
  return Math.fround(values.reduce((sum, value) => sum + value, 0) / values.length);
}
