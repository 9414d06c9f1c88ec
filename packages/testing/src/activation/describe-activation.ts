import { describe } from 'vitest';
import { testLaws, type SkippedLaw } from '../law-suite.js';
import { activationLaws, type ActivationLike } from './activation-laws.js';

export interface ActivationLawOptions {
  /** f(0); default 0. Another value means that an adapter with this activation does not start as the base model. */
  readonly valueAtZero?: number;
  /** Where the gradient is compared with differences; default eight points from −2.1 to 2.6. Leave out kinks. */
  readonly points?: readonly number[];
  /** Step of the differences in z; default 2e-3. It must be short against the finest wave of f. */
  readonly step?: number;
  /** Steps of the differences in a parameter; default a thousandth of it, at least 1e-3. */
  readonly parameterSteps?: Readonly<Record<string, number>>;
  /** Of the gradient in z, absolute and relative; default 1e-3. */
  readonly tolerance?: number;
  readonly skip?: readonly SkippedLaw[];
}

/** Declares a suite with every law of activations, on the engine that the test file has opened. */
export function describeActivation(
  activation: ActivationLike,
  {
    valueAtZero = 0,
    points = [-2.1, -0.9, -0.35, -0.06, 0.08, 0.4, 1.3, 2.6],
    step = 2e-3,
    parameterSteps = {},
    tolerance = 1e-3,
    skip,
  }: ActivationLawOptions = {},
): void {
  describe(`laws of the activation '${activation.name}'`, () => {
    testLaws(activationLaws, { activation, valueAtZero, points, step, parameterSteps, tolerance }, { skip });
  });
}
