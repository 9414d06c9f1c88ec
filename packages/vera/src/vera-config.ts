import { z } from 'zod';

/** The schema of a VeRA configuration. PEFT's names stand in brackets. */
export const veraConfig = z.strictObject({
  rank: z
    .int()
    .min(1)
    .default(256)
    .describe(
      'Rank of the shared matrices [r]. A layer has only rank + out parameters, so it is chosen higher than that of LoRA.',
    ),
  dropout: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe('Share of x dropped on its way into A, in training [vera_dropout].'),
  dInitial: z
    .number()
    .default(0.1)
    .describe('What every element of d starts from [d_initial]; at most 0.1 is advised.'),
  projectionKey: z
    .int()
    .min(0)
    .default(0)
    .describe(
      'Seed of the shared matrices [projection_prng_key]. All VeRA adapters of one model must have the same one to be loaded together by PEFT.',
    ),
});

/** A validated configuration. */
export type VeraConfig = z.output<typeof veraConfig>;

/** A configuration as users write it: everything has a default. */
export type VeraOptions = z.input<typeof veraConfig>;
