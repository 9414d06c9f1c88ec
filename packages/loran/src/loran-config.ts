import { isActivation, parseActivationSpec, type Activation, type ActivationSpec } from '@loran/activations';
import { modulePatterns } from '@loran/adapter';
import { LoranError } from '@loran/plugin';
import { z } from 'zod';

const parameter = z.union([
  z.number(),
  z.strictObject({ value: z.number().optional(), trainable: z.boolean().optional() }),
]);

/** A name, a name with parameters, or (in a program, hence no part of the JSON Schema) the activation itself. */
const activation = z.union(
  [
    z.string().min(1),
    z.object({ name: z.string().min(1) }).catchall(parameter),
    z.custom<Activation>(isActivation).meta({ not: {} }),
  ],
  { error: ({ input }) => problem(input) },
) as z.ZodType<ActivationSpec, ActivationSpec>;

const fields = z.strictObject({
  rank: z.int().min(1).default(8).describe('Rank of the product B·A; at most the smaller side of a target weight.'),
  alpha: z.number().positive().default(8).describe('Numerator of the scaling alpha / rank, applied after f.'),
  dropout: z.number().min(0).lt(1).default(0).describe('Share of x dropped on its way into ΔW, in training.'),
  activation: activation
    .default('sinter')
    .describe(
      "The nonlinearity f: 'sinter', or with parameters { name: 'sine', frequency: { value: 30, trainable: true } }.",
    ),
  init: z
    .enum(['kaiming', 'gaussian'])
    .default('kaiming')
    .describe('How A starts: uniform in ±1/√in, or normal with deviation 1/rank. B starts at 0.'),
  scaling: z
    .enum(['rank', 'sqrt-rank', 'rank-and-width'])
    .default('rank')
    .describe(
      "What alpha is divided by: 'rank'; 'sqrt-rank' as rsLoRA; 'rank-and-width' rank·√in as Sine-LoRA (arXiv 2403.19243).",
    ),
  depth: z
    .int()
    .min(1)
    .max(64)
    .optional()
    .describe('How often f is applied, one after the other; default: as often as there are projections, or once.'),
  projections: z
    .array(z.int().min(1))
    .max(64)
    .default([])
    .describe(
      "Widths r₁ … of the authors' projections: f acts on B·A [out, r₁], P₁ [r₁, r₂] follows, and so on; the last leads to in. [] has none.",
    ),
  biases: z.boolean().default(false).describe("Whether the authors' bias bᵢ is added after each application of f."),
  rankPattern: modulePatterns(z.int().min(1)).describe(
    "Ranks of single modules: name, or regular expression of its path's end -> rank; the first that matches holds.",
  ),
  alphaPattern: modulePatterns(z.number().positive()).describe('Numerators of single modules, given likewise.'),
  activationPattern: modulePatterns(activation).describe('Activations of single modules, given likewise.'),
});

/** The schema of a LoRAN configuration. */
export const loranConfig = fields
  .refine(({ depth, projections }) => depth === undefined || projections.length === 0 || depth === projections.length, {
    path: ['depth'],
    error: 'With projections f is applied once before each: leave depth out, or give as many projections.',
  })
  .transform((config) => ({ ...config, depth: config.depth ?? Math.max(1, config.projections.length) }));

/** A validated configuration. */
export type LoranConfig = z.output<typeof loranConfig>;

/** A configuration as users write it: everything has a default. */
export type LoranOptions = z.input<typeof loranConfig>;

function problem(spec: unknown): string {
  try {
    parseActivationSpec(spec);
    return 'Expected an activation.';
  } catch (error) {
    if (LoranError.is(error)) return error.message;
    throw error;
  }
}
