import { z } from 'zod';
import { feedforwardExpression } from './feedforward.js';

const expression = z.string().min(1).refine(isExpression, 'This is not a regular expression.');

function isExpression(text: string): boolean {
  try {
    return feedforwardExpression(text) instanceof RegExp;
  } catch {
    return false;
  }
}

/** The schema of an IA³ configuration. PEFT's names stand in brackets. */
export const ia3Config = z.strictObject({
  feedforwardModules: z
    .union([expression, z.array(z.string().min(1))])
    .default([])
    .describe(
      'Which target modules have their inputs rescaled, not their outputs: endings of paths, or one regular expression for whole paths [feedforward_modules].',
    ),
});

/** A validated configuration. */
export type Ia3Config = z.output<typeof ia3Config>;

/** A configuration as users write it: everything has a default. */
export type Ia3Options = z.input<typeof ia3Config>;
