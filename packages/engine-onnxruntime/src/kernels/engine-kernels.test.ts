/** Kernels beyond tfjs's own, and those whose results differ from tfjs's cpu backend for a reason. */
import * as tf from '@tensorflow/tfjs-core';
import { after, hashUniform, openEngine, randomUniform } from '@loran/tensor';
import { LoranError } from '@loran/plugin';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { onnxruntime } from '../engine.js';

beforeAll(() => openEngine(onnxruntime, { device: 'cpu' }));
afterAll(() => onnxruntime.close());

test.each([
  ['one number', [1]],
  ['a matrix', [7, 9]],
  ['many', [100, 200]],
])('random numbers are those of the portable hash, bit for bit: %s', async (_, shape) => {
  for (const key of [
    [0, 0],
    [123456789, -987654321],
    [-1, 2147483647],
  ] as const) {
    const found = await randomUniform(shape, key).data();
    expect(found).toEqual(Float32Array.from({ length: found.length }, (__, i) => hashUniform(i, key)));
  }
});

test('a changing key compiles nothing again', async () => {
  const draw = async (word: number) => tf.tidy(() => randomUniform([5], [word, 1])).data();
  await draw(1);
  const { sessions } = onnxruntime.memory();
  await draw(2);
  await draw(3);
  expect(onnxruntime.memory().sessions).toBe(sessions);
});

test.each(['float32', 'int32', 'bool'] as const)(
  'after keeps a %s tensor as it is, NaN or not in what it waits for',
  async (dtype) => {
    const x = tf.tensor(dtype === 'float32' ? [NaN, -0, Infinity, 1e-42] : [1, 0, 1, 0], [2, 2], dtype);
    const expected = await x.data();
    for (const dependency of [tf.tensor1d([NaN]), tf.zeros([3]), tf.tensor1d([7], 'int32'), tf.scalar(true, 'bool')]) {
      const kept = after(x, tf.reshape(dependency, [-1]));
      expect([kept.shape, kept.dtype]).toEqual([x.shape, dtype]);
      const found = await kept.data();
      expect([...found].every((value, i) => Object.is(value, expected[i]))).toBe(true);
    }
  },
);

test('after works on scalars and on codes in their stored width', async () => {
  const scalar = after(tf.scalar(2.5), tf.exp(tf.tensor1d([1, 2])));
  expect(await scalar.data()).toEqual(Float32Array.of(2.5));
  const codes = onnxruntime.opaque(Uint8Array.of(0, 128, 255), 'uint8', [3]);
  expect(await after(codes, tf.exp(tf.scalar(1))).data()).toEqual(Int32Array.of(0, 128, 255));
});

test('rows added at one place lose no sum, however many meet', async () => {
  const rows = 100_000;
  const ids = tf.tensor1d(
    Int32Array.from({ length: rows }, (_, i) => i % 2),
    'int32',
  );
  const sums = tf.unsortedSegmentSum(tf.ones([rows, 8]), ids, 2);
  const scattered = tf.scatterND(tf.expandDims(ids, 1), tf.ones([rows, 8]), [2, 8]);
  for (let round = 0; round < 5; round++) {
    for (const result of [sums, scattered]) {
      expect(new Set(await tf.clone(tf.add(result, 0)).data())).toEqual(new Set([rows / 2]));
    }
  }
});

test.each([
  ['beyond the end', 3],
  ['below zero', -1],
])('an index %s is an error of the op that reads there', async (_, index) => {
  const gathered = tf.gather(tf.tensor2d([[1], [2], [3]]), tf.tensor1d([index], 'int32'));
  const error = await gathered.data().catch((reason: unknown) => reason);
  expect(LoranError.is(error)).toBe(true);
  expect(String(error)).toMatch(/GatherV2/);
  tf.dispose(gathered);
  expect(await tf.scalar(1).data()).toEqual(Float32Array.of(1)); // and of nothing else
});

test('logSoftmax as one kernel is the logarithm of softmax', async () => {
  const logits = tf.tensor2d([1, 2, 3, -50, 0, 50], [2, 3]);
  const kernel = tf.engine().runKernel('LogSoftmax', { logits }) as tf.Tensor;
  const expected = [-2.4076059, -1.4076059, -0.4076059, -100, -50, 0];
  (await kernel.data()).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));
});

test('multinomial draws each event as often as its probability says, the same ones for the same seed', async () => {
  const probabilities = [0.5, 0.2, 0.3];
  const logits = tf.log(tf.tensor2d([probabilities, [0.1, 0.1, 0.8]]));
  const samples = 20_000;
  const draw = async (seed: number) => (tf.multinomial(logits as tf.Tensor2D, samples, seed) as tf.Tensor).data();
  const first = await draw(7);
  expect(await draw(7)).toEqual(first);
  expect(await draw(8)).not.toEqual(first);
  const shares = [0, 1, 2].map(
    (event) => first.subarray(0, samples).filter((drawn) => drawn === event).length / samples,
  );
  // Four standard errors of a share of one half.
  shares.forEach((share, event) =>
    expect(Math.abs(share - probabilities[event]!)).toBeLessThan((4 * 0.5) / Math.sqrt(samples)),
  );
  expect(first.subarray(0, samples)).not.toEqual(first.subarray(samples));
});

test('numbers that change from step to step compile nothing again', async () => {
  const step = (value: number) =>
    tf.tidy(() => tf.add(tf.clipByValue(tf.tensor1d([-9, 0, 9]), -value, value), tf.fill([3], value / 3))).data();
  await step(1);
  const { sessions, tensors } = onnxruntime.memory();
  expect(await step(2)).toEqual(Float32Array.from([-2, 0, 2], (x) => x + Math.fround(2 / 3)));
  await step(3);
  expect(onnxruntime.memory().sessions).toBe(sessions);
  expect(onnxruntime.memory().tensors - tensors).toBeLessThanOrEqual(2); // the results of the two steps
});

test('slices that differ only in which axis they drop are different graphs', async () => {
  const x = tf.tensor2d([1, 2, 3, 4], [2, 2]);
  const row = tf.stridedSlice(x, [0, 0], [1, 2], [1, 1], 0, 0, 0, 0, 1);
  expect(await row.data()).toEqual(Float32Array.of(1, 2));
  row.dispose();
  const column = tf.stridedSlice(x, [0, 0], [2, 1], [1, 1], 0, 0, 0, 0, 2);
  expect(await column.data()).toEqual(Float32Array.of(1, 3));
});

test('an activation that no fused kernel knows is refused by name', async () => {
  const inputs = { a: tf.ones([2, 2]), b: tf.ones([2, 2]) };
  const product = tf.engine().runKernel('_FusedMatMul', inputs, { activation: 'softsign' }) as tf.Tensor;
  await expect(product.data()).rejects.toThrow(/'softsign'.*Known: linear/);
});

test.each([
  ['uint8', Uint8Array.of(0, 1, 128, 255, 7, 9), [0, 1, 128, 255, 7, 9]],
  ['int8', Uint8Array.of(0, 1, 128, 255, 7, 9), [0, 1, -128, -1, 7, 9]],
  [
    'bfloat16',
    new Uint8Array(Uint16Array.of(0x3f80, 0xbf80, 0x4049, 0, 0x7f80, 0x3e00).buffer),
    [1, -1, 3.140625, 0, Infinity, 0.125],
  ],
] as const)(
  'codes of type %s are moved in their stored width, and read as numbers',
  async (type, bytes, [a, b, c, d, e, f]) => {
    const codes = onnxruntime.opaque(bytes.slice(), type, [3, 2]);
    const width = type === 'bfloat16' ? 2 : 1;
    const moved: [tf.Tensor, number[]][] = [
      [tf.gather(codes, tf.tensor1d([2, 0, 2], 'int32')), [e, f, a, b, e, f]],
      [tf.gatherND(codes, tf.tensor2d([[1, 0]], [1, 2], 'int32')), [c]],
      [tf.slice(codes, [1, 0], [2, 1]), [c, e]],
      [tf.stridedSlice(codes, [2, 1], [-4, -4], [-1, -1]), [f, e, d, c, b, a]],
      [tf.transpose(codes), [a, c, e, b, d, f]],
      [tf.reverse(codes, 0), [e, f, c, d, a, b]],
      [tf.split(codes, [1, 2], 0)[1]!, [c, d, e, f]],
      [tf.reshape(codes, [2, 3]), [a, b, c, d, e, f]],
    ];
    await onnxruntime.flush();
    for (const [tensor, expected] of moved) {
      const { bytes: before } = onnxruntime.memory();
      expect(Array.from(await tensor.data())).toEqual(expected);
      tensor.dispose();
      const shared = tensor.size === codes.size && expected[1] === b; // a reshape holds no bytes of its own
      expect(before - onnxruntime.memory().bytes).toBe(shared ? 0 : tensor.size * width);
    }
    const doubled = tf.add(tf.gather(codes, tf.tensor1d([1], 'int32')), 0); // in arithmetic they are numbers
    expect(Array.from(await doubled.data())).toEqual([c, d]);
  },
);
