import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { onnxruntime } from '@loran/engine-onnxruntime';
import { openEngine, portableEngine, signedDynamicMap, unsignedDynamicMap, variable } from '@loran/tensor';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { adamw8bitGolden as golden, gradient, initial } from '../__fixtures__/adamw-8bit.js';
import { adamW8bit } from './adamw-8bit.js';
import { adamW } from './adamw.js';
import { codeTables, nearestCode } from './nearest-code.js';
import type { Optimizer } from './optimizer.js';

const sizeOf = (name: string) => tf.util.sizeFromShape(golden.shapes[name]!);
const names = Object.keys(golden.shapes);
const made = (values: (size: number, index: number) => Float32Array) =>
  new Map(names.map((name, i) => [name, tf.tensor(values(sizeOf(name), i), golden.shapes[name])]));
const start = (optimizer: Optimizer) => {
  const parameters = new Map([...made(initial)].map(([name, tensor]) => [name, variable(tensor)]));
  optimizer.start(parameters);
  return parameters;
};
const step = (optimizer: Optimizer, number: number) => {
  const gradients = made((size, i) => gradient(size, i, number));
  optimizer.step(gradients, { step: number, learningRate: golden.rates[number - 1]! });
  tf.dispose([...gradients.values()]);
};
const largest = (values: Iterable<number>) => Math.max(0, ...values);

afterAll(() => openEngine(portableEngine('cpu')));

describe.each([
  ['tfjs on the CPU', () => openEngine(portableEngine('cpu'))],
  ['ONNX Runtime', () => openEngine(onnxruntime)],
])('on %s', (_, open) => {
  beforeEach(() => open());

  test("parameters and moments are those of bitsandbytes' AdamW8bit for 10 steps", async () => {
    const optimizer = adamW8bit(golden.options);
    const parameters = start(optimizer);
    const alive = tf.memory().numTensors;
    for (const [i, expected] of golden.trace.entries()) {
      step(optimizer, i + 1);
      expect(tf.memory().numTensors).toBe(alive);
      for (const [name, parameter] of parameters) {
        const values = await parameter.data();
        const apart = Array.from(expected[name]!, (value, k) => Math.abs(value - values[k * golden.every]!));
        expect(largest(apart)).toBeLessThanOrEqual(2e-6);
      }
    }
    const state = optimizer.state();
    expect([...state.keys()]).toEqual([
      ...['C.firstMoment', 'C.secondMoment'], // below 4096 values
      ...['A…B.firstMoment.codes', 'A…B.firstMoment.scales', 'A…B.secondMoment.codes', 'A…B.secondMoment.scales'],
    ]);
    for (const [slot, codes, scales] of [
      ['firstMoment', 'first', 'firstScale'],
      ['secondMoment', 'second', 'secondScale'],
    ] as const) {
      const ours = await state.get(`A…B.${slot}.codes`)!.data();
      const { A, B } = golden.state as Required<typeof golden.state>;
      const theirs = [...A![codes], ...B![codes]];
      const blockOfZeros = (i: number) => i < 256 || (i >= 17 * 256 && i < 18 * 256); // any code, times 0
      const other = theirs.filter((code, i) => code !== ours[i] && !blockOfZeros(i));
      expect(other.length).toBeLessThanOrEqual(3); // of 8,452: where an fp32 rounding crosses a boundary
      const ownScales = await state.get(`A…B.${slot}.scales`)!.data();
      const scale = [...A![scales], ...B![scales]];
      expect(largest(scale.map((value, i) => Math.abs(value - ownScales[i]!) / (value || 1)))).toBeLessThanOrEqual(
        1e-6,
      );
    }
    optimizer.dispose();
    expect(tf.memory().numTensors).toBe(alive - 4 - 2 - 8); // codes and scales, C's moments, two sets of tables
    tf.dispose([...parameters.values()]);
  });

  test.each([
    ['signed', signedDynamicMap, golden.signedMap, -1],
    ['unsigned', unsignedDynamicMap, golden.unsignedMap, 0],
  ] as const)(
    '%s: the map is bitsandbytes own, and every value gets the nearest code',
    async (_, map, expected, low) => {
      expect(map).toEqual(expected);
      const around = Array.from(map.subarray(1), (value, i) => Math.fround(Math.fround(map[i]! + value) / 2)).flatMap(
        (boundary) => [boundary, boundary * (1 + 2 ** -22), boundary * (1 - 2 ** -22)],
      );
      const grid = Array.from({ length: 20_001 }, (_, i) => low + ((1 - low) * i) / 20_000);
      const values = Float32Array.from([...map, ...around, ...grid, ...grid.map((x) => x ** 7), 0, 1e-30, low]);
      const tables = codeTables(map);
      const codes = await nearestCode(tf.tensor1d(values), tables).data();
      const wrong = values.filter((value, i) => codes[i] !== searched(map, value));
      expect(wrong).toEqual(new Float32Array());
    },
  );
});

test('the moments take a byte each, and a step back keeps it so', async () => {
  await openEngine(onnxruntime);
  const bytesOf = async (optimizer: Optimizer) => {
    const parameters = new Map([['W', variable(tf.zeros([256, 512]))]]);
    await onnxruntime.flush();
    const before = onnxruntime.memory().bytes;
    optimizer.start(parameters);
    for (let number = 1; number <= 2; number++) {
      tf.tidy(() => {
        const state = [...optimizer.state().values()];
        const held = state.map((each) => tf.clone<tf.Tensor>(each));
        optimizer.step(new Map([['W', tf.ones([256, 512])]]), { step: number, learningRate: 0.1 });
        state.forEach((each, i) => each.assign(tf.where(tf.scalar(true, 'bool'), each, held[i]!)));
      });
      await onnxruntime.flush();
    }
    const after = onnxruntime.memory().bytes;
    optimizer.dispose();
    tf.dispose([...parameters.values()]);
    return (after - before) / (256 * 512);
  };
  expect(await bytesOf(adamW())).toBe(8);
  const tables = 2 * (256 * 4 + 8193 * 8 + 256);
  expect((await bytesOf(adamW8bit())) - tables / (256 * 512)).toBe(2 + 8 / 256);
});

test('a training goes on from the state as if it had not stopped', async () => {
  await openEngine(portableEngine('cpu'));
  const run = async (interrupted: boolean) => {
    let optimizer = adamW8bit();
    const parameters = start(optimizer);
    for (let number = 1; number <= 4; number++) {
      if (interrupted && number === 3) {
        const saved = [...optimizer.state().values()].map((each) => [each.dataSync().slice(), each.shape] as const);
        optimizer.dispose();
        optimizer = adamW8bit();
        optimizer.start(parameters);
        [...optimizer.state().values()].forEach((each, i) => {
          tf.tidy(() => {
            each.assign(tf.tensor(saved[i]![0], saved[i]![1], each.dtype));
          });
        });
      }
      step(optimizer, number);
    }
    return [...parameters.values()].map((parameter) => parameter.dataSync());
  };
  expect(await run(true)).toEqual(await run(false));
});

test('it serves one training at a time, and misses no gradient', () => {
  const optimizer = adamW8bit();
  start(optimizer);
  expect(() => start(optimizer)).toThrow(/already trains other parameters/);
  expect(() => {
    optimizer.step(new Map([['C', tf.zeros([15, 20])]]), { step: 1, learningRate: 1 });
  }).toThrow("no gradient for 'A'");
  expect(() => adamW8bit({ epsilon: -1 })).toThrow('epsilon is -1.');
});

/** The code that a search finds: the number of midpoints below the value. */
function searched(map: Float32Array, value: number): number {
  const midpoints = Array.from(map.subarray(1), (next, i) => Math.fround(Math.fround(map[i]! + next) / 2));
  return midpoints.filter((midpoint) => midpoint < value).length;
}
