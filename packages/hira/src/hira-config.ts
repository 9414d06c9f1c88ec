import { z } from 'zod';

/** The schema of a HiRA configuration. PEFT's names stand in brackets. */
export const hiraConfig = z.strictObject({
  rank: z.int().min(1).default(32).describe('Rank of B·A [r]; at most the smaller side of a target weight.'),
  dropout: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe('Share of x dropped on its way into ΔW, in training [hira_dropout].'),
  init: z
    .enum(['kaiming', 'gaussian'])
    .default('kaiming')
    .describe(
      'How A starts: uniform in ±1/√in [init_weights: true], or normal with deviation 1/rank ["gaussian"]. B starts at 0.',
    ),
});

/** A validated configuration. */
export type HiraConfig = z.output<typeof hiraConfig>;

/** A configuration as users write it: everything has a default. */
export type HiraOptions = z.input<typeof hiraConfig>;
