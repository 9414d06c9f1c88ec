import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { openEngine, portableEngine } from '@loran/tensor';
import { beforeAll, expect, test } from 'vitest';
import { expectClose } from './expect-close.js';

beforeAll(() => openEngine(portableEngine('cpu')));

test('passes within either tolerance', async () => {
  await expectClose([1, 2, NaN, Infinity], [1, 2 + 1e-7, NaN, Infinity]);
  await expectClose(tf.tensor1d([1000]), [1000.005]);
  await expectClose([5], [6], { absolute: 1 });
  await expectClose([5], [6], { absolute: 0, relative: 0.2 });
});

test('names the worst element, and how many fail', async () => {
  await expect(expectClose([0, 1, 2, 3], [0, 1.1, 2.5, 3])).rejects.toThrow(
    /2 of 4 elements differ.*worst is element 2: 2, expected 2.5, 5.00e-1 apart/,
  );
});

test.each([
  ['a NaN where there should be none', [NaN], [1]],
  ['a number where there should be NaN', [1], [NaN]],
  ['the wrong infinity', [-Infinity], [Infinity]],
  ['too few numbers', [1], [1, 1]],
])('fails for %s', async (_, actual, expected) => {
  await expect(expectClose(actual, expected)).rejects.toMatchObject({ code: 'NOT_CLOSE' });
});

test('two tensors must have the same shape', async () => {
  await expect(expectClose(tf.zeros([2, 3]), tf.zeros([3, 2]))).rejects.toThrow(
    /Expected shape \[3, 2\], found shape \[2, 3\]/,
  );
  await expectClose(tf.zeros([2, 3]), [0, 0, 0, 0, 0, 0]);
});
