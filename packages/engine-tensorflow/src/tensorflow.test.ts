import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { nf4 } from '@loran/qlora';
import { closeEngine, openEngine, opaque } from '@loran/tensor';
import { expectClose, weightSource } from '@loran/testing';
import { absent, modules } from './__fixtures__/set-up.js';
import { createTensorflowEngine } from './tensorflow.js';

const said: string[] = [];
const engine = createTensorflowEngine({ modules, log: (line) => said.push(line) });

beforeAll(async () => {
  if (absent === undefined) await openEngine(engine);
});
beforeEach(({ skip }) => {
  if (absent !== undefined) skip(absent);
});

describe('devices', () => {
  test('auto says once what it chose', () => {
    expect(engine.device).toBe('cpu');
    expect(said.filter((line) => line.includes('auto'))).toEqual([
      "loran: engine tensorflow computes on device 'cpu' by @tensorflow/tfjs-node-gpu (chosen by 'auto').",
    ]);
  });

  test('cuda on a machine without a GPU says what was found', async () => {
    const other = createTensorflowEngine({ modules });
    await expect(other.open({ device: 'cuda' })).rejects.toMatchObject({
      code: 'DEVICE_UNAVAILABLE',
      message: expect.stringMatching(/tfjs-node-gpu with TensorFlow 2\.9\.1 found no GPU, only the CPU/),
    });
    await expect(other.open({ device: 'webgpu' })).rejects.toMatchObject({ code: 'DEVICE_UNAVAILABLE' });
  });

  test('threads cannot change once TensorFlow is loaded, which is said', async () => {
    const lines: string[] = [];
    await createTensorflowEngine({ modules, log: (line) => lines.push(line) }).open({ device: 'cpu', threads: 1 });
    expect(lines).toEqual([expect.stringContaining('its threads stay as they are')]);
  });
});

test('a closed engine says so, and opens again', async () => {
  await closeEngine();
  expect(engine.device).toBe('none');
  expect(() => engine.memory()).toThrow(expect.objectContaining({ code: 'ENGINE_CLOSED' }));
  await openEngine(engine, { device: 'cpu' });
  expect(opaque(Uint8Array.of(200), 'uint8', [1]).dataSync()).toEqual(Int32Array.of(200));
});

describe('codes keep their width', () => {
  const cases = [
    ['uint8', Uint8Array.of(0, 1, 127, 128, 254, 255), [2, 3], [0, 1, 127, 128, 254, 255], 1],
    ['int8', Uint8Array.of(0, 1, 127, 128, 254, 255), [3, 2], [0, 1, 127, -128, -2, -1], 1],
    ['bfloat16', Uint8Array.of(0x80, 0x3f, 0x40, 0xc0, 0x80, 0x7f, 0, 0), [2, 2], [1, -3, Infinity, 0], 2],
  ] as const;

  test.each(cases)('%s: read, computed with, gathered from', async (type, bytes, shape, values) => {
    const codes = opaque(bytes.slice(), type, shape);
    expect(codes.dtype).toBe(type === 'bfloat16' ? 'float32' : 'int32');
    expect(codes.shape).toEqual(shape);
    expect([...(await codes.data())]).toEqual(values);
    expect([...tf.clone(codes).dataSync()]).toEqual(values);
    expect([...tf.mul(codes, codes).dataSync()]).toEqual(values.map((value) => value * value));
    expect([...tf.reshape(codes, [values.length]).dataSync()]).toEqual(values);
    expect(tf.gather(codes, tf.tensor1d([1, 0, 1], 'int32')).arraySync()).toEqual(
      [1, 0, 1].map((row) => values.slice(row * shape[1], (row + 1) * shape[1])),
    );
  });

  test.each(cases)('%s: takes its width for each value, until it is disposed', (type, bytes, shape, values, width) => {
    const before = engine.memory();
    const codes = opaque(bytes.slice(), type, shape);
    const copy = tf.clone(codes);
    tf.tidy(() => void tf.add(codes, 1));
    expect(engine.memory().bytes - before.bytes).toBe(width * values.length);
    codes.dispose();
    expect([...copy.dataSync()]).toEqual(values);
    copy.dispose();
    expect(engine.memory()).toMatchObject({ bytes: before.bytes, tensors: before.tensors });
  });

  test('bytes that do not fit the shape are refused', () => {
    expect(() => opaque(new Uint8Array(5), 'bfloat16', [5])).toThrow(
      expect.objectContaining({ code: 'SHAPE_MISMATCH' }),
    );
  });

  test('they may index a table, unchecked where they cannot leave it', () => {
    const codes = opaque(Uint8Array.of(3, 255, 0), 'uint8', [3]);
    const table = tf.reshape(tf.range(0, 512, 1, 'float32'), [256, 2]);
    expect(tf.gather(table, codes).arraySync()).toEqual([
      [6, 7],
      [510, 511],
      [0, 1],
    ]);
    expect(() => tf.gather(tf.ones([255, 2]), codes)).toThrow(/255 is not in \[0, 254\]/);
    expect(tf.gather(tf.transpose(table), codes, 1).arraySync()).toEqual([
      [6, 510, 0],
      [7, 511, 1],
    ]);
  });

  test('an NF4 weight takes 4.127 bits a parameter', async () => {
    const frozen = await nf4.store(await weightSource({ rows: 512, columns: 1024, biased: false, run: 5000 }));
    expect((8 * frozen.byteLength) / (512 * 1024)).toBeCloseTo(4.127, 2);
    frozen.dispose();
  });
});

test('gradients are there, the lean ones too', async () => {
  const x = tf.tensor2d([1, 2, 3, 4], [2, 2]);
  const gradient = tf.grad((x: Tensor) => tf.mean(tf.exp(tf.sum(x, 0))))(x);
  await expectClose(
    gradient,
    [Math.exp(4), Math.exp(6), Math.exp(4), Math.exp(6)].map((value) => value / 2),
    {
      relative: 1e-6,
      absolute: 0,
    },
  );
  expect(tf.getGradient('Sum').inputsToSave).toEqual(['x']);
});
