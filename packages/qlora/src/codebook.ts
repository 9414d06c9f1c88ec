/**
 * The values that four bits stand for, by code. A code is a place in the list, whatever its order there.
 *
 *   NF4   16 quantiles of a normal distribution, scaled to [-1, 1], with an exact zero; ascending
 *   FP4   sign, two bits of exponent, one of mantissa: ±{0, 1/192, 2/3, 1, 1/3, 1/2, 1/6, 1/4}; zero has two codes
 *
 * Source: Dettmers et al. 2023 (QLoRA, arXiv 2305.14314); the values are bitsandbytes', to the last bit.
 */
import { fourBitType, type FourBitType } from './four-bit-type.js';

/** The value of each 4-bit code of NF4, ascending. */
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

const magnitudes = [0, 0.0625, 8, 12, 4, 6, 2, 3].map((twelfths) => twelfths / 12);

/** The value of each 4-bit code of FP4: the sign is the code's first bit. */
export const fp4Codebook: Float32Array = Float32Array.from([...magnitudes, ...magnitudes.map((value) => 0 - value)]);

export const nf4Type: FourBitType = fourBitType('nf4', nf4Codebook);

export const fp4Type: FourBitType = fourBitType('fp4', fp4Codebook);
