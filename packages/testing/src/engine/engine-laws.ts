/** The laws of engines: whatever computes, tfjs programs mean the same. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { LoranError } from '@loran/plugin';
import {
  after,
  closeEngine,
  currentEngine,
  dropout,
  hashUniform,
  opaque,
  openEngine,
  randomStream,
  randomUniform,
  record,
  variable,
  type Engine,
  type EngineOptions,
  type Key,
} from '@loran/tensor';
import { expect } from 'vitest';
import { descend } from '../descend.js';
import { expectClose, valuesOf } from '../expect-close.js';
import { finiteDifferences } from '../finite-differences.js';
import type { Law } from '../law-suite.js';
import { boundedPeak } from './bounded-peak.js';
import { boundedUpdates } from './bounded-updates.js';
import { network } from './small-network.js';

export interface EngineSubject {
  readonly engine: Engine;
  readonly options: EngineOptions;
}

const keys: readonly Key[] = [
  [0, 0],
  [123456789, -987654321],
  [-1, 2 ** 31 - 1],
];

export const engineLaws: Readonly<Record<string, Law<EngineSubject>>> = {
  'says what it is and where it computes': ({ engine }) => {
    expect(engine.kind).toBe('engine');
    expect(engine.name).toMatch(/^[a-z][\w-]*$/);
    expect(engine.device).toMatch(/^(cpu|webgpu|cuda)$/);
    expect(currentEngine()).toBe(engine);
  },

  'keeps codes that tfjs has no type for': async () => {
    const backing = Uint8Array.of(9, 0, 127, 128, 255, 9);
    const codes = () => backing.slice(1, 5);
    const unsigned = opaque(codes(), 'uint8', [2, 2]);
    const signed = opaque(codes(), 'int8', [4]);
    const half = opaque(Uint8Array.of(0x80, 0x3f, 0x20, 0xc1, 0, 0), 'bfloat16', [3]); // 1, −10, 0
    expect([unsigned.dtype, signed.dtype, half.dtype]).toEqual(['int32', 'int32', 'float32']);
    expect([unsigned.shape, half.shape]).toEqual([[2, 2], [3]]);
    expect(await numbers(unsigned)).toEqual([0, 127, 128, 255]);
    expect(await numbers(signed)).toEqual([0, 127, -128, -1]);
    expect(await numbers(half)).toEqual([1, -10, 0]);
    const used = tf.tidy(() => tf.mul(tf.cast(tf.gather(unsigned, tf.tensor1d([1, 0, 1], 'int32')), 'float32'), 0.5));
    expect(await numbers(used)).toEqual([64, 127.5, 0, 63.5, 64, 127.5]);
    tf.dispose([unsigned, signed, half, used]);
  },

  'refuses codes whose bytes do not fill the shape': () => {
    for (const [type, bytes] of [
      ['uint8', 5],
      ['int8', 7],
      ['bfloat16', 6],
    ] as const) {
      expect(() => opaque(new Uint8Array(bytes), type, [2, 3])).toThrow(
        expect.objectContaining({ code: 'SHAPE_MISMATCH' }),
      );
    }
  },

  'after changes no value, whatever the dependency holds': async () => {
    const values = [1.5, -0, NaN, Infinity, -Infinity, 1e-45];
    const x = tf.tensor1d(values);
    for (const dependency of [tf.scalar(NaN), tf.tensor2d([[Infinity, 0]]), tf.tensor1d([3], 'int32')]) {
      const tied = after(x, dependency);
      expect(await numbers(tied)).toEqual(await numbers(x));
      tf.dispose([tied, dependency]);
    }
    const codes = opaque(Uint8Array.of(3, 250), 'uint8', [2]);
    const tied = tf.tidy(() => after(codes, x));
    expect(await numbers(tied)).toEqual([3, 250]);
    tf.dispose([x, codes, tied]);
  },

  'after has the gradient of the identity': async () => {
    const [x, dy, dependency] = [tf.tensor1d([1, 2]), tf.tensor1d([3, -4]), tf.scalar(5)];
    const gradient = tf.grad((z: Tensor) => tf.square(after(z, dependency)))(x, dy);
    expect(await numbers(gradient)).toEqual([6, -16]);
    tf.dispose([x, dy, dependency, gradient]);
  },

  'recorded operations are repeated for other inputs': async () => {
    const weight = tf.tensor1d([1, -2, 3]);
    const step = (x: Tensor) => tf.tidy(() => [tf.add(tf.mul(x, weight), 1), tf.sum(after(x, weight))]);
    const x = tf.tensor1d([1, 2, 3]);
    const { outputs, recording } = record([x], () => step(x));
    expect(await Promise.all(outputs.map(numbers))).toEqual([[2, -3, 10], [6]]);
    for (const factor of [2, -1]) {
      const other = tf.mul(x, factor);
      const again = recording?.repeat([other]) ?? step(other);
      const expected = [[1, -4, 9].map((value) => value * factor + 1), [6 * factor]];
      expect(await Promise.all(again.map(numbers))).toEqual(expected);
      tf.dispose([other, again]);
    }
    recording?.dispose();
    expect(await numbers(weight)).toEqual([1, -2, 3]);
    tf.dispose([weight, x, ...outputs]);
  },

  'random numbers are the same bits as everywhere': async () => {
    for (const key of keys) {
      for (const shape of [[], [7], [3, 1, 5], [1000]]) {
        const drawn = randomUniform(shape, key);
        const size = shape.reduce((product, n) => product * n, 1);
        expect(drawn.shape).toEqual(shape);
        expect(await numbers(drawn)).toEqual(Array.from({ length: size }, (_, i) => hashUniform(i, key)));
        drawn.dispose();
      }
    }
  },

  'dropout keeps and drops the same elements as everywhere': async () => {
    const x = randomStream(1).normal([40], 0, 1);
    const before = await numbers(x);
    for (const key of keys) {
      const dropped = dropout(x, 0.25, key);
      const expected = before.map((value, i) => (hashUniform(i, key) >= 0.25 ? value / 0.75 : 0));
      await expectClose(dropped, expected, { absolute: 0, relative: 1e-6 });
      dropped.dispose();
    }
    x.dispose();
  },

  'a small network has the gradients that differences give': async () => {
    const { parameters, loss, dispose } = network();
    const { value, grads } = tf.variableGrads(loss, parameters);
    for (const parameter of parameters) {
      const differences = await finiteDifferences(async () => {
        const at = tf.tidy(loss);
        const [number = NaN] = await numbers(at);
        at.dispose();
        return number;
      }, parameter);
      await expectClose(grads[parameter.name]!, differences, { absolute: 2e-4, relative: 0.01 });
    }
    tf.dispose([value, grads]);
    dispose();
  },

  'training gives the same bits again, in flat memory': async ({ engine }) => {
    const run = async (steps: number) => {
      const { parameters, loss, dispose } = network();
      const losses = await descend(loss, parameters, { steps });
      const trained = await Promise.all(parameters.map((parameter) => numbers(parameter)));
      dispose();
      return { losses, trained };
    };
    const first = await run(30);
    expect(first.losses.at(-1)).toBeLessThan(0.5 * first.losses[0]!);
    const before = engine.memory();
    expect(await run(30)).toEqual(first);
    const afterwards = engine.memory();
    expect(afterwards.tensors).toBe(before.tensors);
    expect(afterwards.bytes).toBe(before.bytes);
    expect(afterwards.sessions).toBe(before.sessions);
  },

  'reports its memory': async ({ engine }) => {
    const before = engine.memory();
    const x = tf.zeros([1000, 100]);
    await numbers(x);
    const during = engine.memory();
    expect(during.tensors).toBe(before.tensors + 1);
    expect(during.bytes).toBe(before.bytes + 400_000);
    x.dispose();
    expect(engine.memory()).toMatchObject({ tensors: before.tensors, bytes: before.bytes });
    expect(during.residentBytes).toBeGreaterThan(1e7);
    expect(during.peakResidentBytes).toBeGreaterThanOrEqual(0.9 * during.residentBytes);
  },

  'flush computes what is pending, and values stay': async ({ engine }) => {
    await engine.flush(); // with nothing pending
    const x = tf.tensor1d([1, 2, 3]);
    const y = tf.tidy(() => tf.add(tf.square(x), 1));
    await engine.flush();
    x.dispose();
    expect(await numbers(y)).toEqual([2, 5, 10]);
    y.dispose();
  },

  'a result does not change with the array that it was made from': async () => {
    const array = Float32Array.of(1, 2, 3);
    const x = tf.tensor1d(array);
    const y = tf.mul(x, 2);
    array.fill(99);
    expect(await numbers(y)).toEqual([2, 4, 6]);
    tf.dispose([x, y]);
  },

  'a result does not change with the variable that it was made from': async () => {
    const v = variable(tf.tensor1d([1, 2]));
    const y = tf.mul(v, 10);
    const other = tf.tensor1d([7, 8]);
    v.assign(other);
    other.dispose();
    expect([await numbers(y), await numbers(v)]).toEqual([
      [10, 20],
      [7, 8],
    ]);
    tf.dispose([y, v]);
  },

  'reads synchronously, or says to use data()': () => {
    const y = tf.tidy(() => tf.square(tf.tensor1d([3])));
    try {
      expect(Array.from(y.dataSync())).toEqual([9]);
    } catch (error) {
      expect(LoranError.is(error)).toBe(true);
      expect(String(error)).toContain('data()');
    }
    y.dispose();
  },

  'an op that fails leaves the others alone': async () => {
    const x = tf.tensor2d([[1, 2]]);
    const good = tf.mul(x, 3);
    expect(() => tf.matMul(x, x)).toThrow();
    expect(await numbers(good)).toEqual([3, 6]);
    tf.dispose([x, good]);
  },

  'decodes the weights of many layers one after another': boundedPeak,

  'forms the updates of many layers one after another, in both passes': boundedUpdates,

  'can be closed and opened again': async ({ engine, options }) => {
    await closeEngine();
    await openEngine(engine, options);
    const y = tf.tidy(() => tf.add(tf.tensor1d([1, 2]), 1));
    expect(await numbers(y)).toEqual([2, 3]);
    y.dispose();
  },
};

const numbers = async (tensor: Tensor): Promise<number[]> => Array.from(await valuesOf(tensor));
