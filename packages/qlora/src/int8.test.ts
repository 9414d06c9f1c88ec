import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { lora } from '@loran/lora';
import { linear, openEngine, portableEngine, randomStream } from '@loran/tensor';
import { describeAdapterMethod, describeBaseStorage } from '@loran/testing';
import { sourceOf } from './__fixtures__/golden.js';
import { int8 } from './int8.js';

beforeAll(async () => {
  await openEngine(portableEngine('cpu'));
});

describeBaseStorage(int8, {
  tolerance: { absolute: 1 / 127 }, // half a step of a row's largest value, below 2
  product: { absolute: 0.2 }, // of products of about 4: x is rounded to steps of a 127th of its largest value
  bytes: (rows, columns) => 4 * rows * columns + 4 * rows, // int32 codes, as the cpu backend has no smaller type
});

describeAdapterMethod(lora, {
  bases: [int8],
  kinds: ['linear', 'embedding'],
  configs: { factored: { rank: 2, alpha: 4 }, 'weight space': { rank: 2, alpha: 4, form: 'weight-space' } },
  tolerances: { merge: { absolute: 0.05 } }, // a merge is in fp32, whose products do not round their inputs
  skip: [
    {
      law: 'its gradients equal finite differences',
      reason:
        'the forward product rounds its input, so that its values are steps; the gradient is that of the line through them',
    },
  ],
  parameterCount: ({ rank }, { rows, columns }) => rank * (rows + columns),
});

const random = randomStream(11);
const values = (tensor: Tensor) => tensor.dataSync<'float32'>();
async function stored(rows: number, columns: number) {
  const weight = random.derive('w').normal([rows, columns], 0, 0.05) as Tensor2D;
  return { weight, frozen: await int8.store(sourceOf({ shape: [rows, columns], values: values(weight) }, 1000)) };
}
const relative = (a: Tensor, b: Tensor) => values(tf.div(tf.norm(tf.sub(a, b)), tf.norm(b)))[0]!;

describe('its error, relative L2 against fp32', () => {
  test('of normal inputs: a hundredth, forward and backward', async () => {
    const { weight, frozen } = await stored(192, 256);
    const x = random.derive('x').normal([32, 256], 0, 1);
    const dy = random.derive('dy').normal([32, 192], 0, 1);
    expect(relative(frozen.weight(), weight)).toBeLessThan(0.008);
    expect(relative(frozen.apply(x), linear(x, weight))).toBeLessThan(0.013);
    const [own, exact] = [
      tf.grad((a: Tensor) => frozen.apply(a))(x, dy),
      tf.grad((a: Tensor) => linear(a, weight))(x, dy),
    ];
    expect(relative(own, exact)).toBeLessThan(0.013);
  });

  test('with one feature twenty times as large: four hundredths', async () => {
    const { weight, frozen } = await stored(192, 256);
    const factors = tf.tensor1d(Array.from({ length: 256 }, (_, i) => (i === 3 ? 20 : 1)));
    const x = tf.mul(random.derive('x').normal([32, 256], 0, 1), factors);
    const error = relative(frozen.apply(x), linear(x, weight));
    expect(error).toBeGreaterThan(0.013);
    expect(error).toBeLessThan(0.05);
  });
});

test('what an adapter adds is multiplied in fp32, however small it is beside a step of the codes', async () => {
  const { frozen } = await stored(16, 64);
  const delta = random.derive('delta').normal([16, 64], 0, 1e-6) as Tensor2D;
  const x = random.derive('x').normal([4, 64], 0, 1);
  const added = tf.sub(frozen.apply(x, tf.mul<Tensor2D>(delta, 1000)), frozen.apply(x));
  expect(relative(added, linear(x, tf.mul<Tensor2D>(delta, 1000)))).toBeLessThan(1e-3);
});

test('the backward pass keeps no dequantised weight', async () => {
  const [rows, columns] = [128, 256];
  const { frozen } = await stored(rows, columns);
  let kept = Infinity;
  tf.grad((x: Tensor) => {
    const before = tf.memory().numBytes;
    const y = frozen.apply(x);
    kept = tf.memory().numBytes - before;
    return tf.sum(y);
  })(random.normal([1, columns], 0, 1));
  expect(kept).toBeLessThan(4 * (rows + columns) * 4);
});

test('rows of zeros, and of one value, are kept', async () => {
  const frozen = await int8.store(sourceOf({ shape: [3, 2], values: Float32Array.of(0, 0, 1e-30, -1e-30, 3, 3) }));
  expect(frozen.apply(tf.ones([1, 2])).dataSync()[0]).toBe(0);
  const [, , tiny, opposite, three] = values(frozen.weight());
  expect(tiny).toBeCloseTo(1e-30, 34);
  expect(opposite).toBe(-tiny!);
  expect(three).toBeCloseTo(3, 3);
});

test.each([
  ['weight.scale', { dtype: 'F32', shape: [7], data: new Uint8Array(28).fill(255) }, /'weight.scale' holds NaN/],
  [
    'weight.scale',
    { dtype: 'F32', shape: [6], data: new Uint8Array(24) },
    /'weight.scale' is F32 \[6\]; expected F32 \[7\]/,
  ],
  ['weight', { dtype: 'I8', shape: [7, 6], data: new Uint8Array(35) }, /'weight' is I8 \[7, 6\]/],
  ['weight', { dtype: 'U8', shape: [7, 5], data: new Uint8Array(35) }, /'weight' is U8/],
] as const)('a damaged %s is refused', async (name, part, message) => {
  const frozen = await int8.store(sourceOf({ shape: [7, 5], values: new Float32Array(35).fill(1) }));
  const parts = new Map([...(await frozen.parts()), [name, part]]);
  expect(() => int8.restore('linear', parts)).toThrow(message);
});

test.each([NaN, -Infinity])('%d in a weight is refused, with its place', async (bad) => {
  const source = sourceOf({ shape: [3, 5], values: new Float32Array(15).fill(1).with(11, bad) });
  await expect(int8.store(source)).rejects.toThrow(/'model\.layer'.*row 2, column 1/);
});
