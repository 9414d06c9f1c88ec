/**
 * Inverse frequencies of rotary embeddings and the ways to stretch them beyond the trained length, by transformers'
 * `rope_type`. With n pairs, base b (`rope_theta`), trained length L:
 *
 *   default   b^(−i/n)                                                      i = 0 … n−1
 *   linear    divided by the factor                                         (Chen et al. 2023, arXiv 2306.15595)
 *   dynamic   base b·((factor·s/L) − (factor − 1))^(n/(n−1)) for texts of s > L tokens      (NTK-aware, bloc97 2023)
 *   yarn      a ramp between default and linear by wavelength; cos and sin scaled           (Peng et al. 2023, arXiv 2309.00071)
 *   llama3    low frequencies divided by the factor, high ones kept, a ramp between         (Dubey et al. 2024, arXiv 2407.21783)
 */
import { z } from 'zod';

export interface RotaryFrequencies {
  readonly inverse: Float32Array; // [n]
  /** Factor of cos and sin; 1 but for yarn. */
  readonly scale: number;
}

const factor = z.number().min(1);

/** `rope_scaling` (or `rope_parameters`) of config.json. */
export const ropeScaling = z
  .discriminatedUnion('rope_type', [
    z.looseObject({ rope_type: z.literal('default') }),
    z.looseObject({ rope_type: z.literal('linear'), factor }),
    z.looseObject({ rope_type: z.literal('dynamic'), factor }),
    z.looseObject({
      rope_type: z.literal('yarn'),
      factor,
      attention_factor: z.number().positive().nullish(),
      beta_fast: z.number().positive().nullish(),
      beta_slow: z.number().positive().nullish(),
      mscale: z.number().nullish(),
      mscale_all_dim: z.number().nullish(),
      truncate: z.boolean().nullish(),
      original_max_position_embeddings: z.int().positive().nullish(),
    }),
    z.looseObject({
      rope_type: z.literal('llama3'),
      factor,
      low_freq_factor: z.number().positive(),
      high_freq_factor: z.number().positive(),
      original_max_position_embeddings: z.int().positive(),
    }),
  ])
  .describe('Stretching of rotary embeddings; rope_type default, linear, dynamic, yarn or llama3.');

export type RopeScaling = z.infer<typeof ropeScaling>;

export interface RotaryOptions {
  /** `rope_theta`. */
  readonly base: number;
  /** Features turned, an even number: the head's width, or part of it. */
  readonly width: number;
  /** `max_position_embeddings`. */
  readonly trainedLength: number;
  readonly scaling: RopeScaling | undefined;
}

/** The frequencies for texts of up to `length` tokens: only 'dynamic' depends on it. */
export function rotaryFrequencies(options: RotaryOptions, length: number): RotaryFrequencies {
  const { base, width, trainedLength, scaling } = options;
  switch (scaling?.rope_type) {
    case undefined:
    case 'default':
      return { inverse: plain(base, width), scale: 1 };
    case 'linear':
      return { inverse: plain(base, width).map((f) => f / scaling.factor), scale: 1 };
    case 'dynamic': {
      if (length <= trainedLength) return { inverse: plain(base, width), scale: 1 };
      const stretch = (scaling.factor * length) / trainedLength - (scaling.factor - 1);
      return { inverse: plain(base * stretch ** (width / (width - 2)), width), scale: 1 };
    }
    case 'yarn':
      return yarn(options, scaling);
    case 'llama3':
      return { inverse: plain(base, width).map((f) => llama3(f, scaling)), scale: 1 };
  }
}

function plain(base: number, width: number): Float32Array {
  return Float32Array.from({ length: width / 2 }, (_, i) => 1 / base ** ((2 * i) / width));
}

function llama3(frequency: number, scaling: Extract<RopeScaling, { rope_type: 'llama3' }>): number {
  const { factor, low_freq_factor: low, high_freq_factor: high, original_max_position_embeddings: length } = scaling;
  const turns = (length * frequency) / (2 * Math.PI); // over the trained length
  if (turns < low) return frequency / factor;
  if (turns > high) return frequency;
  const smooth = (turns - low) / (high - low);
  return ((1 - smooth) * frequency) / factor + smooth * frequency;
}

function yarn(
  { base, width, trainedLength }: RotaryOptions,
  scaling: Extract<RopeScaling, { rope_type: 'yarn' }>,
): RotaryFrequencies {
  const { factor, attention_factor: given, mscale, mscale_all_dim: mscaleAll } = scaling;
  const length = scaling.original_max_position_embeddings ?? trainedLength;
  const pairOf = (turns: number) => (width * Math.log(length / (turns * 2 * Math.PI))) / (2 * Math.log(base)); // the pair that turns so often
  const whole = scaling.truncate ?? true;
  const first = pairOf(scaling.beta_fast ?? 32);
  const last = pairOf(scaling.beta_slow ?? 1);
  const low = Math.max(whole ? Math.floor(first) : first, 0);
  const high = Math.min(whole ? Math.ceil(last) : last, width - 1);
  const span = high === low ? 0.001 : high - low;
  const inverse = plain(base, width).map((f, i) => {
    const slow = Math.min(1, Math.max(0, (i - low) / span)); // 0: kept, 1: divided
    return f * (1 - slow) + (f / factor) * slow;
  });
  const magnitude = (of: number) => (factor <= 1 ? 1 : 0.1 * of * Math.log(factor) + 1);
  const scale = given ?? (mscale && mscaleAll ? magnitude(mscale) / magnitude(mscaleAll) : magnitude(1));
  return { inverse, scale };
}
