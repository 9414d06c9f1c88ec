/** The shipped activations: the laws, and golden values from torch. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { openEngine, portableEngine } from '@loran/tensor';
import { describeActivation, expectClose, type ActivationLawOptions, type Tolerance } from '@loran/testing';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { standardActivations } from './standard.js';

beforeAll(() => openEngine(portableEngine('cpu')));

// A wave of 1e4 rad per unit needs small points and a step that is short against it.
const fine = { points: [-0.05, -0.011, 0.004, 0.03], step: 2e-5, parameterSteps: { frequency: 2 } };

const options: Readonly<Record<string, ActivationLawOptions>> = {
  sinter: fine,
  'sinter-class-defaults': { ...fine, step: 2e-4 },
  cosine: { ...fine, tolerance: 1e-2 },
  sigmoid: { valueAtZero: 0.5 },
};

for (const activation of standardActivations) describeActivation(activation, options[activation.name]);

interface Golden {
  readonly z: number[];
  readonly value: number[];
  readonly derivative: number[];
}
const golden = JSON.parse(readFileSync(new URL('./__fixtures__/activations.json', import.meta.url), 'utf8')) as {
  activations: Record<string, Golden>;
};

// The angle ωz = 500 is rounded to fp32 by up to 1.5e-5 rad, which the slope ωz·sin(ωz) multiplies by 500.
const slopes: Readonly<Record<string, Tolerance>> = { cosine: { absolute: 1e-2, relative: 0 } };

describe('golden values of torch', () => {
  test('there are some for every shipped activation', () => {
    expect(Object.keys(golden.activations).sort()).toEqual(standardActivations.map(({ name }) => name).sort());
  });

  test.each(standardActivations.map((activation) => [activation.name, activation] as const))(
    '%s',
    async (name, activation) => {
      const { z, value, derivative } = golden.activations[name]!;
      if (name === 'relu') derivative[z.indexOf(0)] = 1; // torch's subgradient at 0 is 0; see relu.ts
      const f = activation.instantiate();
      const x = tf.tensor1d(z);
      await expectClose(f.apply(x), value, { absolute: 3e-7, relative: 3e-7 });
      await expectClose(
        tf.grad((at: Tensor) => f.apply(at))(x),
        derivative,
        slopes[name] ?? { absolute: 3e-6, relative: 3e-6 },
      );
      f.dispose();
    },
  );
});
