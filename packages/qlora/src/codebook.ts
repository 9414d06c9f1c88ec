/**
 * The NF4 codebook: 16 quantiles of a normal distribution, scaled to [-1, 1], with an exact zero.
 *
 *   code(v) = the nearest of the 16 values; a v exactly between two takes the lower one
 *
 * Source: Dettmers et al. 2023 (QLoRA, arXiv 2305.14314); the values are bitsandbytes', to the last bit.
 */

/** The value of each 4-bit code, ascending. */
export const nf4Codebook: Float32Array = Float32Array.of(
  -1.0,
  -0.6961928009986877,
  -0.5250730514526367,
  -0.39491748809814453,
  -0.28444138169288635,
  -0.18477343022823334,
  -0.09105003625154495,
  0.0,
  0.07958029955625534,
  0.16093020141124725,
  0.24611230194568634,
  0.33791524171829224,
  0.44070982933044434,
  0.5626170039176941,
  0.7229568362236023,
  1.0,
);

/** Code of 0, which pads an odd count. */
export const zeroCode = 7;

/** Values halfway between neighbours, rounded to fp32 as bitsandbytes rounds them; the last is never passed. */
const midpoints = Float32Array.from({ length: 16 }, (_, code) =>
  code === 15 ? Infinity : Math.fround(at(nf4Codebook, code) + at(nf4Codebook, code + 1)) / 2,
);

/** [-1, 1] in 256 equal cells, each with the code of its lower edge; no cell holds two midpoints. */
const cells = Uint8Array.from({ length: 257 }, (_, cell) => midpoints.findIndex((middle) => cell / 128 - 1 <= middle));

/** The code of a scaled value in [-1, 1]: one look-up and one comparison. */
export function nearestCode(value: number): number {
  const lower = at(cells, ((value + 1) * 128) | 0);
  return value > at(midpoints, lower) ? lower + 1 : lower;
}

/** Both values of every packed byte, high nibble first: row b holds the values of b >> 4 and b & 15. // [256, 2] */
export function pairTable(): Float32Array {
  return Float32Array.from({ length: 512 }, (_, i) => at(nf4Codebook, (i & 1) === 0 ? i >> 5 : (i >> 1) & 15));
}

function at(table: Float32Array | Uint8Array, index: number): number {
  return table[index]!; // indices are in range by construction
}
