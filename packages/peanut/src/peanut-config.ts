import { type Activation, type ActivationSpec, isActivation, parseActivationSpec } from '@loran/activations';
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

/** The schema of a PEANuT configuration. PEFT's names stand in brackets. */
export const peanutConfig = z.strictObject({
  rank: z.int().min(1).default(32).describe('Width of the network [r]; at most the smaller side of a target weight.'),
  depth: z
    .int()
    .min(0)
    .max(64)
    .default(0)
    .describe('Hidden layers on each side: that many encoders, and as many decoders with residuals [depth].'),
  activation: activation
    .default('relu')
    .describe(
      "The nonlinearity f [act_fn]: a name of PEFT's ('relu', 'gelu_new'), of a registered activation ('sinter'), or one with parameters.",
    ),
  scaling: z.number().default(1).describe('Factor of the update [scaling].'),
});

/** A validated configuration. */
export type PeanutConfig = z.output<typeof peanutConfig>;

/** A configuration as users write it: everything has a default. */
export type PeanutOptions = z.input<typeof peanutConfig>;

function problem(spec: unknown): string {
  try {
    parseActivationSpec(spec);
    return 'Expected an activation.';
  } catch (error) {
    if (LoranError.is(error)) return error.message;
    throw error;
  }
}
