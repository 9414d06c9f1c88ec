import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { openEngine, portableEngine, randomStream } from '@loran/tensor';
import { beforeAll, expect, test } from 'vitest';
import { difference, golden, goldenBatch, tinyBert, copyOfTinyBert } from '../__fixtures__/golden.js';
import { loadSequenceClassifier } from '../open-model.js';
import { hiddenActivations } from './hidden-activation.js';
import { LayerNorm } from './layer-norm.js';
import { meanPooling } from './mean-pooling.js';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

beforeAll(() => openEngine(portableEngine('cpu')));

/** Largest difference between the gradient of Σ f(x)·w and central differences of it, relative to the largest. */
async function gradientError(f: (x: tf.Tensor) => tf.Tensor, x: tf.Tensor): Promise<number> {
  const weights = randomStream(7).normal(f(x).shape, 0, 1);
  const loss = (input: tf.Tensor): tf.Scalar => tf.sum(tf.mul(f(input), weights));
  const gradient = await tf.grad(loss)(x).data();
  const step = 1e-2;
  const differences: number[] = [];
  for (let i = 0; i < x.size; i++) {
    const nudge = tf.reshape(tf.mul(tf.oneHot(tf.tensor1d([i], 'int32'), x.size), step), x.shape);
    const [up = 0] = await loss(tf.add(x, nudge)).data();
    const [down = 0] = await loss(tf.sub(x, nudge)).data();
    differences.push((up - down) / (2 * step));
  }
  const largest = Math.max(...differences.map(Math.abs));
  return Math.max(...differences.map((value, i) => Math.abs(value - gradient[i]!))) / largest;
}

test.each(Object.entries(hiddenActivations))('%s has the gradient of its values', async (_, activation) => {
  expect(await gradientError(activation, tf.tensor1d([-4, -1.7, -0.9, -0.3, 0.2, 0.75, 1.4, 3]))).toBeLessThan(1e-3);
});

test.each(Object.entries(golden.activations))(
  '%s gives the logits that transformers has with it',
  async (name, logits) => {
    const folder = copyOfTinyBert();
    const path = join(folder, 'config.json');
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), hidden_act: name }));
    const model = await loadSequenceClassifier(folder);
    expect(await difference(model.logits(goldenBatch()), logits)).toBeLessThan(1e-5);
    model.dispose();
    rmSync(folder, { recursive: true });
  },
);

test('layer normalisation has the gradient of its values', async () => {
  const layerNorm = new LayerNorm(tf.tensor1d([1, 0.5, -2, 1.5]), tf.tensor1d([0, 1, 0.5, -1]), 1e-12);
  const x = randomStream(3).normal([3, 4], 1, 2);
  expect(await gradientError((input) => layerNorm.apply(input), x)).toBeLessThan(1e-3);
  layerNorm.dispose();
});

test('layer normalisation of a constant row is β, whatever its size', async () => {
  const layerNorm = new LayerNorm(tf.tensor1d([1, 2]), tf.tensor1d([3, 4]), 1e-12);
  expect(await difference(layerNorm.apply(tf.fill([1, 2], 1e6)), [3, 4])).toBe(0);
  layerNorm.dispose();
});

test('mean pooling averages over tokens alone', async () => {
  const hidden = tf.tensor3d([
    [
      [1, 2],
      [3, 4],
      [100, 100],
    ],
    [
      [5, 6],
      [7, 7],
      [7, 7],
    ],
  ]);
  const mask = tf.tensor2d(
    [
      [1, 1, 0],
      [1, 0, 0],
    ],
    [2, 3],
    'int32',
  );
  expect(
    await difference(meanPooling(hidden, mask), [
      [2, 3],
      [5, 6],
    ]),
  ).toBeLessThan(1e-6);
  expect(
    await difference(meanPooling(hidden), [
      [104 / 3, 106 / 3],
      [19 / 3, 20 / 3],
    ]),
  ).toBeLessThan(1e-5);
  const model = await loadSequenceClassifier(tinyBert, { head: 'mean', labels: ['a', 'b'] });
  expect(model.pooled(goldenBatch()).shape).toEqual([3, 24]);
  model.dispose();
});
