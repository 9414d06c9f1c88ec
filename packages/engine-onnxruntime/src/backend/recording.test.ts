import * as tf from '@tensorflow/tfjs-core';
import { after, closeEngine, openEngine, record } from '@loran/tensor';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { onnxruntime } from '../engine.js';
import type { RunRecord } from './run-record.js';

beforeAll(() => openEngine(onnxruntime, { device: 'cpu' }));
afterAll(closeEngine);

const values = async (tensor: tf.Tensor) => [...(await tensor.data())];

/** weight·x + 1 twice, through constants that live no longer than the first call. */
function step(x: tf.Tensor, weight: tf.Tensor): tf.Tensor[] {
  return tf.tidy(() => {
    const y = tf.add(tf.mul(x, weight), tf.scalar(1));
    const [first, second] = tf.split(tf.mul(y, tf.tensor1d([1, 2, 3, 4])), 2);
    return [y, after(tf.reshape(first!, [2, 1]), second!)];
  });
}

test('repeated, the operations compute what they do when they are run, without a new graph', async () => {
  const weight = tf.tensor1d([1, 2, 3, 4]);
  const x = tf.tensor1d([1, 1, 1, 1]);
  const { outputs, recording } = record([x], () => step(x, weight));
  await values(outputs[0]!);
  const before = tf.memory();
  const runs: RunRecord[] = [];
  const stop = onnxruntime.observe((run) => runs.push(run));
  for (const factor of [2, 3]) {
    const other = tf.mul(x, factor);
    await values(other); // as a leaf, which x is
    runs.length = 0;
    const repeated = recording!.repeat([other]);
    const run = step(other, weight);
    expect(repeated.map(({ shape, dtype }) => [shape, dtype])).toEqual(run.map(({ shape, dtype }) => [shape, dtype]));
    for (const [i, tensor] of repeated.entries()) expect(await values(tensor)).toEqual(await values(run[i]!));
    tf.dispose([other, repeated, run]);
  }
  stop();
  expect(tf.memory()).toEqual(before);
  tf.dispose([...outputs]);
  recording!.dispose();
  expect(await values(tf.add(weight, x))).toEqual([2, 3, 4, 5]); // its constants are not
});

test('steps that feed each other keep what they read, and no more', async () => {
  const weight = tf.tensor1d([0.5, 0.5, 0.5, 0.5]);
  let x: tf.Tensor = tf.tensor1d([1, 2, 3, 4]);
  const first = x;
  const { outputs, recording } = record([x], () => [tf.tidy(() => tf.add(tf.mul(first, weight), tf.scalar(1)))]);
  x.dispose();
  x = outputs[0]!;
  await values(x);
  const { numTensors, numDataBuffers } = tf.memory();
  for (let i = 0; i < 20; i++) {
    const [next] = recording!.repeat([x]);
    x.dispose();
    x = next!;
    if (i % 3 === 0) await values(x);
  }
  const limit = [1, 2, 3, 4].map((start) => 2 + (start - 2) / 2 ** 21);
  for (const [i, value] of (await values(x)).entries()) expect(value).toBeCloseTo(limit[i]!, 6);
  expect(tf.memory()).toMatchObject({ numTensors, numDataBuffers });
  recording!.dispose();
  expect(tf.memory().numDataBuffers).toBe(numDataBuffers - 1); // the scalar
  tf.dispose([x, weight]);
});

test('an output that is an input, or a tensor from outside, stays that', async () => {
  const [a, b] = [tf.tensor1d([1, 2]), tf.tensor1d([3, 4])];
  const { outputs, recording } = record([a], () => [tf.clone(a), tf.clone(b), tf.neg(a)]);
  const other = tf.tensor1d([5, 6]);
  const repeated = recording!.repeat([other]);
  expect(await Promise.all(repeated.map(values))).toEqual([
    [5, 6],
    [3, 4],
    [-5, -6],
  ]);
  tf.dispose([...outputs, ...repeated]);
  recording!.dispose();
  expect(await values(other)).toEqual([5, 6]);
  expect(await values(b)).toEqual([3, 4]);
});

test('what reads values on its way is no recording, and other shapes are refused', async () => {
  const x = tf.tensor1d([1, 2]);
  const reading = record([x], () => [tf.mul(x, tf.add(x, 1).dataSync()[0]!)]);
  expect(reading.recording).toBeUndefined();
  expect(await values(reading.outputs[0]!)).toEqual([2, 4]);

  const { recording } = record([x], () => [tf.neg(x)]);
  expect(() => recording!.repeat([tf.tensor1d([1, 2, 3])])).toThrow(/float32 \[3\]; recorded was float32 \[2\]/);
  expect(() => recording!.repeat([])).toThrow(/missing/);
  expect(() => record([x], () => [tf.neg(x), tf.matMul(x as never, x as never)])).toThrow();
  expect(await values(tf.neg(x))).toEqual([-1, -2]);
});

test('an operation that fails, fails when it is repeated, with its name', async () => {
  const x = tf.tensor1d([0, 1], 'int32');
  const table = tf.tensor1d([10, 20]);
  const { outputs, recording } = record([x], () => [tf.gather(table, x), tf.neg(x)]);
  expect(await values(outputs[0]!)).toEqual([10, 20]);
  const [gathered, negated] = recording!.repeat([tf.tensor1d([0, 7], 'int32')]);
  await expect(values(gathered!)).rejects.toThrow(/GatherV2/);
  expect(await values(negated!)).toEqual([0, -7]);
});
