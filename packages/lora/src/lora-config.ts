import { modulePatterns } from '@loran/adapter';
import { z } from 'zod';

const tokenIds = z.array(z.int().min(0)).min(1);

const evaConfig = z.strictObject({
  rho: z
    .number()
    .min(1)
    .default(2)
    .describe('Ranks go where the inputs vary most: a module gets up to rho · rank, on average rank; 1: all the same.'),
  whiten: z.boolean().default(false).describe('Divide each direction by the root of its singular value.'),
  adjustScaling: z
    .boolean()
    .default(true)
    .describe('Alpha of a module with another rank in proportion, so that alpha / rank is the same everywhere.'),
  examples: z.int().min(1).default(64).describe('Examples of the training data that the model computes for it.'),
});

/** The schema of a LoRA configuration. Field by field as in PEFT, whose names stand in brackets. */
export const loraConfig = z
  .strictObject({
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
    dora: z
      .boolean()
      .default(false)
      .describe('A trained length for each row of the weight, beside its direction [use_dora] (arXiv 2402.09353).'),
    init: z
      .union([
        z.enum(['kaiming', 'gaussian', 'orthogonal', 'pissa', 'olora', 'eva', 'loftq']),
        z.templateLiteral(['pissa_niter_', z.int().min(0)]),
      ])
      .default('kaiming')
      .describe(
        'How A and B start [init_lora_weights]: kaiming (true), gaussian, orthogonal, pissa, pissa_niter_4, olora, eva, loftq.',
      ),
    eva: evaConfig.prefault({}).describe('Settings of init eva [eva_config].'),
    loftqIterations: z.int().min(1).default(1).describe('Rounds of init loftq [loftq_config.loftq_iter].'),
    rankPattern: modulePatterns(z.int().min(1)).describe(
      "Ranks of single modules: name, or regular expression of its path's end -> rank; the first that matches holds [rank_pattern].",
    ),
    alphaPattern: modulePatterns(z.number().positive()).describe(
      'Numerators of single modules, given likewise [alpha_pattern].',
    ),
    bias: z
      .enum(['none', 'all', 'lora_only'])
      .default('none')
      .describe(
        'Biases trained beside: none, those of the target modules (lora_only), or of every linear module (all) [bias].',
      ),
    loraBias: z.boolean().default(false).describe('A trained bias behind B, on linear modules [lora_bias].'),
    trainableTokens: z
      .union([tokenIds, z.record(z.string().min(1), tokenIds)])
      .optional()
      .describe(
        'Rows of the embedding that are trained whole: ids, or name of an embedding -> ids [trainable_token_indices].',
      ),
    form: z
      .enum(['factored', 'weight-space'])
      .default('factored')
      .describe(
        'How the update is computed: B(A x), or (W + s·BA) x. The same but for rounding; weight-space suits long batches over small weights.',
      ),
  })
  .superRefine(({ dora, loraBias, form, init, rank, rankPattern }, context) => {
    const refuse = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message });
    if (dora && form === 'weight-space')
      refuse('form', "DoRA is computed in a form of its own; leave out 'weight-space'.");
    if (dora && loraBias) refuse('loraBias', 'A bias on B has no place in DoRA, which scales the rows of the weight.');
    if (loraBias && init !== 'kaiming') {
      refuse('loraBias', `A bias on B starts with init 'kaiming' only, as in PEFT; init is '${init}'.`);
    }
    const odd = [rank, ...Object.values(rankPattern)].find((value) => value % 2 !== 0);
    if (init === 'orthogonal' && odd !== undefined) {
      refuse('rank', `init 'orthogonal' halves the rank, so it must be even; it is ${odd}.`);
    }
  });

/** A validated configuration. */
export type LoraConfig = z.output<typeof loraConfig>;

/** A configuration as users write it: everything has a default. */
export type LoraOptions = z.input<typeof loraConfig>;
