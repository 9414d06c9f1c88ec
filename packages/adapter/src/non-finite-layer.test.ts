import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Variable } from '@tensorflow/tfjs-core';
import { openEngine, portableEngine } from '@loran/tensor';
import { beforeAll, expect, test } from 'vitest';
import type { AdapterLayer } from './contract/adapter-method.js';
import { nonFiniteLayer } from './non-finite-layer.js';

beforeAll(() => openEngine(portableEngine('cpu')));

/** A layer whose update is f(w), elementwise. */
function layer(w: number, f?: (z: Tensor2D) => Tensor2D): AdapterLayer {
  const variable = tf.variable(tf.fill<tf.Rank.R2>([2, 2], w)) as Variable<tf.Rank.R2>;
  return {
    parameters: new Map([['w', variable]]),
    forward: (x, next) => next(x),
    delta: () => ({ weight: tf.tidy(() => f?.(variable) ?? tf.mul(variable, 1e30)) }),
    ...(f && {
      nonlinear: () => ({
        name: 'odd',
        product: tf.clone(variable),
        slope: tf.grad((z) => f(z as Tensor2D))(variable) as Tensor2D,
        linear: tf.clone(variable),
      }),
    }),
    dispose: () => variable.dispose(),
  };
}

test.each([
  ['nothing', () => layer(1, (z) => tf.sqrt(z)), undefined],
  ['nothing in a plain one', () => layer(1), undefined],
  ['a parameter', () => layer(Number.NaN, (z) => tf.mul(z, 1)), /^the parameter 'w' of 'b' is not finite$/],
  ['a plain update', () => layer(1e30), /^the update of 'b' is not finite$/],
  [
    'the activation',
    () => layer(-4, (z) => tf.sqrt(z)),
    /^the activation 'odd' of 'b' gives NaN .* from -4\.00 to -4\.00$/,
  ],
  ['its derivative', () => layer(0, (z) => tf.sqrt(z)), /^the derivative of the activation 'odd' of 'b' gives NaN/],
])('%s is found, and nothing leaks', async (_, make, expected) => {
  const layers = new Map([
    ['a', layer(1, (z) => tf.mul(z, 1))],
    ['b', make()],
  ]);
  const before = tf.memory().numTensors;
  const found = await nonFiniteLayer({ layers });
  if (expected === undefined) expect(found).toBeUndefined();
  else expect(found).toMatch(expected);
  expect(tf.memory().numTensors).toBe(before);
});
