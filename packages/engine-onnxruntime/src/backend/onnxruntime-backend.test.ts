import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { after, closeEngine, opaque, openEngine } from '@loran/tensor';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createOnnxruntimeEngine } from '../engine.js';
import type { LazyBackend } from '../kernels/kernel.js';
import type { RunRecord } from './run-record.js';

const engine = createOnnxruntimeEngine({ sessions: 4, pendingNodes: 200, log: () => undefined });
let runs: RunRecord[] = [];
const compiled = () => runs.filter((run) => run.compiled).length;

beforeAll(() => openEngine(engine, { threads: 2 }));
afterAll(closeEngine);
beforeEach(() => {
  tf.engine().startScope();
  runs = [];
});
afterEach(async () => {
  tf.engine().endScope();
  await engine.flush();
});

describe('laziness', () => {
  beforeEach(() => {
    const stop = engine.observe((run) => runs.push(run));
    return stop;
  });

  test('one graph for all that is pending, computed at the first read', async () => {
    const x = tf.tensor2d([
      [1, 2],
      [3, 4],
    ]);
    const y = tf.matMul(x, x);
    const z = tf.add(y, 1);
    expect(await z.data()).toEqual(new Float32Array([8, 11, 16, 23]));
    expect(await y.data()).toEqual(new Float32Array([7, 10, 15, 22]));
    await engine.flush();
    expect(runs).toHaveLength(1);
    expect(runs[0]?.products).toEqual([{ batch: 1, m: 2, k: 2, n: 2, transposeA: false, transposeB: false, count: 1 }]);
  });

  test('what nobody can read any more is not computed', async () => {
    const x = tf.tensor1d([1, 2]);
    const kept = tf.tidy(() => {
      tf.exp(tf.add(x, 5));
      return tf.mul(x, 2);
    });
    expect(await kept.data()).toEqual(new Float32Array([2, 4]));
    await engine.flush();
    expect(runs[0]?.nodes).toBe(1);
  });

  test('changing scalars and values compile nothing', async () => {
    for (let step = 1; step <= 5; step++) {
      const loss = tf.tidy(() => tf.mul(tf.sum(tf.add(tf.tensor1d([step, 2, 3]), step)), 1 / step));
      expect((await loss.data())[0]).toBeCloseTo((step + 5 + 3 * step) / step, 5);
      loss.dispose();
    }
    await engine.flush();
    expect(runs).toHaveLength(5);
    expect(compiled()).toBe(1);
  });

  test('a changing shape compiles once each, and old graphs are released', async () => {
    for (const length of [1, 2, 3, 4, 5, 6, 7, 8, 1]) {
      const sum = tf.tidy(() => tf.sum(tf.ones([length])));
      expect((await sum.data())[0]).toBe(length);
      sum.dispose();
    }
    await engine.flush();
    expect(compiled()).toBe(9);
    expect(engine.memory().sessions).toBe(4);
  });

  test('a loop without reads is cut between its steps, at the same place each time', async () => {
    let w = tf.tensor1d([1]);
    for (let step = 0; step < 60; step++) {
      const next = tf.tidy(() => {
        let y: tf.Tensor1D = w;
        for (let i = 0; i < 15; i++) y = tf.add(y, 1);
        return y;
      });
      w.dispose();
      w = next;
    }
    expect((await w.data())[0]).toBe(1 + 60 * 15);
    await engine.flush();
    expect(runs.length).toBeGreaterThan(3);
    expect(runs.length).toBeLessThan(7);
    expect(compiled()).toBeLessThanOrEqual(2); // the equal pieces, and the rest
  });

  test('a loop inside one tidy is cut too', async () => {
    const y = tf.tidy(() => {
      let sum: tf.Tensor1D = tf.tensor1d([0]);
      for (let i = 0; i < 2000; i++) sum = tf.add(sum, 1);
      return sum;
    });
    expect((await y.data())[0]).toBe(2000);
    await engine.flush();
    expect(Math.max(...runs.map(({ nodes }) => nodes))).toBeLessThanOrEqual(801);
  });
});

describe('values', () => {
  test('an array changed after tf.tensor() has no effect, small or large', async () => {
    const small = new Float32Array([1, 2, 3]);
    const large = new Float32Array(10_000).fill(1);
    const [a, b] = [tf.tensor1d(small), tf.tensor1d(large)];
    const [c, d] = [tf.add(a, 1), tf.add(b, 1)];
    small.fill(100);
    large.fill(100);
    expect(await c.data()).toEqual(new Float32Array([2, 3, 4]));
    expect((await d.data()).every((value) => value === 2)).toBe(true);
    expect(await a.data()).toEqual(new Float32Array([1, 2, 3]));
  });

  test('a read value is the reader’s own', async () => {
    const x = tf.tensor1d([1, 2, 3]);
    (await x.data()).fill(9);
    expect(x.dataSync()).toEqual(new Float32Array([1, 2, 3]));
  });

  test('dataSync waits for what is pending', () => {
    const x = tf.add(tf.tensor1d([1, 2, 3]), 1);
    expect(x.dataSync()).toEqual(new Float32Array([2, 3, 4]));
  });

  test('dataSync works while reads are outstanding', async () => {
    const x = tf.add(tf.tensor1d([1, 2, 3]), 1);
    const y = tf.mul(x, 2);
    const reading = y.data();
    expect(x.dataSync()).toEqual(new Float32Array([2, 3, 4]));
    expect(await reading).toEqual(new Float32Array([4, 6, 8]));
  });

  test('two reads at once, and a tensor disposed while it is being read', async () => {
    const x = tf.add(tf.tensor1d([1, 2]), 1);
    const y = tf.mul(x, x);
    const both = Promise.all([x.data(), y.data(), x.data()]);
    x.dispose();
    y.dispose();
    expect(await both).toEqual([new Float32Array([2, 3]), new Float32Array([4, 9]), new Float32Array([2, 3])]);
  });

  test('an input disposed before anything was computed', async () => {
    const x = tf.tensor1d(new Float32Array(1000).fill(2));
    const y = tf.add(x, 1);
    x.dispose();
    await new Promise((resolve) => setTimeout(resolve, 5)); // lets pending messages go
    expect((await y.data())[999]).toBe(3);
  });

  test('codes keep their width, and ops see them as int32 or float32', async () => {
    const before = engine.memory().bytes;
    const codes = opaque(Uint8Array.from([0, 7, 255]), 'uint8', [3]);
    const signed = opaque(new Uint8Array(Int8Array.from([-128, 0, 127]).buffer), 'int8', [3]);
    const halves = opaque(new Uint8Array(Uint16Array.from([0x3f80, 0xc049, 0x7f80]).buffer), 'bfloat16', [3]);
    expect(engine.memory().bytes - before).toBe(3 + 3 + 6);
    expect([codes.dtype, signed.dtype, halves.dtype]).toEqual(['int32', 'int32', 'float32']);
    expect(await codes.data()).toEqual(Int32Array.from([0, 7, 255]));
    expect(await halves.data()).toEqual(Float32Array.from([1, -3.140625, Infinity]));
    expect(await tf.add(codes, tf.scalar(1, 'int32')).data()).toEqual(Int32Array.from([1, 8, 256]));
    expect(await tf.add(signed, tf.scalar(1, 'int32')).data()).toEqual(Int32Array.from([-127, 1, 128]));
    expect(await tf.mul(halves, 2).data()).toEqual(Float32Array.from([2, -6.28125, Infinity]));
  });

  test('codes of the wrong length are refused', () => {
    expect(() => opaque(new Uint8Array(5), 'bfloat16', [3])).toThrow(/\[3\] take 6 bytes; 5 were given/);
  });

  test('after() keeps the value, NaN included', async () => {
    const x = tf.tensor1d([1, NaN, -0, Infinity]);
    const y = await after(x, tf.tensor1d([NaN, 2])).data();
    expect([...y].map((value) => (Object.is(value, -0) ? '-0' : String(value)))).toEqual([
      '1',
      'NaN',
      '-0',
      'Infinity',
    ]);
  });

  test('tensors move from another backend and back', async () => {
    await tf.setBackend('cpu');
    const x = tf.tensor1d([1, 2, 3]);
    await tf.setBackend('onnxruntime');
    const y = tf.add(x, 1);
    expect(await y.data()).toEqual(new Float32Array([2, 3, 4]));
    await tf.setBackend('cpu');
    const z = tf.mul(y, x);
    expect(await z.data()).toEqual(new Float32Array([2, 6, 12]));
    await tf.setBackend('onnxruntime');
    expect(await tf.add(z, y).data()).toEqual(new Float32Array([4, 9, 16]));
  });

  test('strings are stored and read back; computing on them is refused by name', async () => {
    const words = tf.tensor1d(['a', 'b']);
    expect(await words.data()).toEqual(['a', 'b']);
    const backend = tf.backend() as unknown as LazyBackend;
    const append = () => backend.append('Shout', () => [], [words], {}, [{ shape: [2], dtype: 'float32' }]);
    expect(append).toThrow(/Shout of strings is not available/);
  });
});

test('the event loop stays free while a graph runs', async () => {
  const x = tf.ones<tf.Rank.R2>([768, 768]);
  const y = tf.tidy(() => {
    let z: tf.Tensor2D = x;
    for (let i = 0; i < 40; i++) z = tf.mul(tf.matMul(z, x), 1 / 768);
    return z;
  });
  let ticks = 0;
  const timer = setInterval(() => ticks++, 5);
  const start = performance.now();
  await y.data();
  const elapsed = performance.now() - start;
  clearInterval(timer);
  expect(elapsed).toBeGreaterThan(40);
  expect(ticks).toBeGreaterThan(elapsed / 5 / 20); // a blocked loop ticks once; a busy machine, seldom
});
