import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { after, openEngine } from './engine/current-engine.js';
import { portableEngine } from './engine/portable-engine.js';
import { registerGradients } from './gradients.js';
import { linear } from './linear.js';
import { variable } from './variable.js';

beforeAll(() => openEngine(portableEngine('cpu')));

const values = async (x: tf.Tensor) => [...(await x.data())];

test('the kernels of a transformer step have gradients', () => {
  registerGradients();
  for (const name of [
    'BatchMatMul',
    'Sum',
    'Mean',
    'Softmax',
    'GatherV2',
    'Erf',
    'Tanh',
    'Rsqrt',
    'Concat',
    'Slice',
    'Select',
  ]) {
    expect(tf.getGradient(name), name).toBeDefined();
  }
});

describe.each([
  ['sum', tf.sum, 1],
  ['mean', tf.mean, 1 / 3],
] as const)('the lean gradient of %s', (_, reduce, factor) => {
  test.each([
    ['over the last axis', 1, false],
    ['over a negative axis, kept', -1, true],
  ])('%s is dy spread back', async (_, axis, keepDims) => {
    const x = tf.tensor2d([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    const gradient = tf.grad((z: tf.Tensor) =>
      tf.mul(reduce(z, axis, keepDims), tf.tensor(keepDims ? [[10], [20]] : [10, 20])),
    )(x);
    (await values(gradient)).forEach((g, i) => expect(g).toBeCloseTo(factor * (i < 3 ? 10 : 20), 5));
  });

  test('over all axes', async () => {
    const gradient = tf.grad((z: tf.Tensor) => reduce(z))(tf.ones([1, 3]));
    (await values(gradient)).forEach((g) => expect(g).toBeCloseTo(factor, 6));
  });
});

test('linear is x Wᵀ + b over any leading axes, with gradients', async () => {
  const weight = tf.tensor2d([
    [1, 2],
    [3, 4],
    [5, 6],
  ]);
  const bias = tf.tensor1d([0.5, 0, -0.5]);
  for (const leading of [[], [2], [2, 3]]) {
    const x = tf.ones([...leading, 2]);
    const y = linear(x, weight, bias);
    expect(y.shape).toEqual([...leading, 3]);
    expect((await values(y)).slice(0, 3)).toEqual([3.5, 7, 10.5]);
    const dx = tf.grad((z: tf.Tensor) => linear(z, weight, bias))(x);
    expect((await values(dx)).slice(0, 2)).toEqual([9, 12]);
  }
});

test('variable keeps nothing but the variable alive', () => {
  const before = tf.memory().numTensors;
  const made = variable(tf.zeros([2, 3]));
  expect(tf.memory().numTensors).toBe(before + 1);
  made.dispose();
  expect(tf.memory().numTensors).toBe(before);
});

test('after is the identity with the gradient of the identity', async () => {
  const x = tf.tensor1d([1, Number.NaN]);
  expect(await values(after(x, tf.scalar(Number.NaN)))).toEqual([1, Number.NaN]);
  expect(await values(tf.grad((z: tf.Tensor) => tf.mul(after(z, tf.scalar(0)), 3))(x))).toEqual([3, 3]);
});
