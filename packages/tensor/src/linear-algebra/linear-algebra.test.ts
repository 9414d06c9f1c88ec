import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { openEngine } from '../engine/current-engine.js';
import { portableEngine } from '../engine/portable-engine.js';
import { randomStream } from '../random/random-stream.js';
import { qr } from './qr.js';
import { singularValues, svd, type Svd } from './svd.js';
import { truncatedSvd } from './truncated-svd.js';

beforeAll(() => openEngine(portableEngine('cpu')));

const normal = (name: string, shape: [number, number]) => randomStream(3).derive(name).normal(shape, 0, 1) as Tensor2D;

/** A matrix [rows, columns] with the given singular values, and zeros beyond. */
async function matrixWith(values: readonly number[], [rows, columns]: [number, number]): Promise<Tensor2D> {
  const [left, right] = [
    await qr(normal('left', [rows, values.length])),
    await qr(normal('right', [columns, values.length])),
  ];
  return tf.tidy(() => tf.matMul<Tensor2D>(tf.mul<Tensor2D>(left.Q, tf.tensor1d([...values])), right.Q, false, true));
}

const distance = async (a: Tensor2D, b: Tensor2D): Promise<number> =>
  (await tf.tidy(() => tf.norm(tf.sub(a, b))).data())[0]! / (await tf.tidy(() => tf.norm(a)).data())[0]!;

const composed = ({ U, S, V }: Svd): Tensor2D =>
  tf.tidy(() => tf.matMul<Tensor2D>(tf.mul<Tensor2D>(U, tf.tensor1d(Float32Array.from(S))), V, false, true));

const gram = (basis: Tensor2D): Tensor2D => tf.matMul<Tensor2D>(basis, basis, true);

test.each([
  [7, 7],
  [12, 5],
])('QR of [%i, %i] multiplies back, with an orthonormal Q and an upper triangular R', async (rows, columns) => {
  const matrix = normal('x', [rows, columns]);
  const { Q, R } = await qr(matrix);
  expect([Q.shape, R.shape]).toEqual([
    [rows, columns],
    [columns, columns],
  ]);
  expect(await distance(matrix, tf.matMul(Q, R))).toBeLessThan(1e-6);
  expect(await distance(tf.eye(columns), gram(Q))).toBeLessThan(1e-6);
  expect(await distance(R, tf.linalg.bandPart(R, 0, -1) as Tensor2D)).toBe(0);
  await expect(qr(normal('wide', [2, 3]))).rejects.toMatchObject({ code: 'SHAPE_MISMATCH' });
});

test.each([
  [9, 6],
  [6, 9],
  [5, 5],
  [1, 4],
])('the SVD of [%i, %i] has orthonormal directions, descending values, and multiplies back', async (rows, columns) => {
  const matrix = normal('x', [rows, columns]);
  const all = await svd(matrix);
  const k = Math.min(rows, columns);
  expect([all.U.shape, all.S.length, all.V.shape]).toEqual([[rows, k], k, [columns, k]]);
  expect(await distance(matrix, composed(all))).toBeLessThan(1e-6);
  for (const basis of [all.U, all.V]) expect(await distance(tf.eye(k), gram(basis))).toBeLessThan(1e-6);
  expect([...all.S]).toEqual([...all.S].sort((a, b) => b - a));
  expect([...(await singularValues(matrix))].map((value, i) => Math.abs(value - all.S[i]!) < 1e-12)).not.toContain(
    false,
  );
});

test('the values of a matrix that was made of them come back', async () => {
  const values = [5, 2, 1, 0.5];
  const found = await singularValues(await matrixWith(values, [20, 11]));
  for (const [i, value] of values.entries()) expect(found[i]).toBeCloseTo(value, 5);
  expect(Math.max(...found.slice(4))).toBeLessThan(1e-5);
});

test.each([
  ['exact', Infinity],
  ['randomised', 0],
])('the best approximation of a rank is found: %s', async (_, exactUpTo) => {
  const values = Array.from({ length: 40 }, (_, i) => 1 / (i + 1)); // falls slowly
  const matrix = await matrixWith(values, [90, 60]);
  const before = tf.memory().numTensors;
  const few = await truncatedSvd(matrix, 6, { exactUpTo });
  expect(tf.memory().numTensors).toBe(before + 2);
  expect([few.U.shape, few.S.length, few.V.shape]).toEqual([[90, 6], 6, [60, 6]]);
  for (const [i, value] of few.S.entries()) expect(value).toBeCloseTo(values[i]!, 4);
  const left = Math.hypot(...values.slice(6)) / Math.hypot(...values); // Eckart-Young
  expect(await distance(matrix, composed(few))).toBeCloseTo(left, 5);
  expect(await (await truncatedSvd(matrix, 6, { exactUpTo })).U.data()).toEqual(await few.U.data());
});

test('a rank that the matrix does not have, and values that are not finite, are refused', async () => {
  const matrix = normal('x', [4, 6]);
  for (const rank of [0, 5, 1.5, Number.NaN]) {
    await expect(truncatedSvd(matrix, rank)).rejects.toMatchObject({ code: 'INVALID_RANK' });
  }
  const broken = tf.tensor2d([1, 2, Number.NaN, 4], [2, 2]);
  await expect(svd(broken)).rejects.toMatchObject({
    code: 'NON_FINITE',
    message: expect.stringContaining('row 1, column 0') as string,
  });
});
