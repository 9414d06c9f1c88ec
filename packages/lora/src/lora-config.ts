import { modulePatterns } from '@loran/adapter';
import { z } from 'zod';

/** The schema of a LoRA configuration. Field by field as in PEFT, whose names stand in brackets. */
export const loraConfig = z.strictObject({
  rank: z.int().min(1).default(8).describe('Rank of the update [r]; at most the smaller side of a target weight.'),
  alpha: z.number().positive().default(8).describe('Numerator of the scaling alpha / rank [lora_alpha].'),
  dropout: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe('Share of x dropped on its way into A, in training [lora_dropout].'),
  rsLora: z
    .boolean()
    .default(false)
    .describe('Scaling alpha / √rank, so that high ranks keep learning [use_rslora] (arXiv 2312.03732).'),
  init: z
    .enum(['kaiming', 'gaussian'])
    .default('kaiming')
    .describe(
      'How A starts: uniform in ±1/√in [init_lora_weights: true], or normal with deviation 1/rank ["gaussian"]. B starts at 0.',
    ),
  rankPattern: modulePatterns(z.int().min(1)).describe(
    "Ranks of single modules: name, or regular expression of its path's end -> rank; the first that matches holds [rank_pattern].",
  ),
  alphaPattern: modulePatterns(z.number().positive()).describe(
    'Numerators of single modules, given likewise [alpha_pattern].',
  ),
  bias: z.literal('none').default('none').describe('Biases stay frozen.'),
  form: z
    .enum(['factored', 'weight-space'])
    .default('factored')
    .describe(
      'How the update is computed: B(A x), or (W + s·BA) x. The same but for rounding; weight-space suits long batches over small weights.',
    ),
});

/** A validated configuration. */
export type LoraConfig = z.output<typeof loraConfig>;

/** A configuration as users write it: everything has a default. */
export type LoraOptions = z.input<typeof loraConfig>;
