import { isActivation, parseActivationSpec, type Activation, type ActivationSpec } from '@loran/activations';
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

/** The schema of a LoRAN configuration. */
export const loranConfig = z.strictObject({
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
});

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
