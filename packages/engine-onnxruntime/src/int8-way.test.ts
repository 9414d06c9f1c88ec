/** How int8 weights are multiplied: found out by a product that saturates where the processor does. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { int8Product, openEngine, randomStream } from '@loran/tensor';
import { InferenceSession } from 'onnxruntime-node';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createOnnxruntimeEngine } from './engine.js';
import { chooseInt8Way, int8Notice } from './int8-way.js';
import { int8MatMul, type Int8Way, useInt8Way } from './kernels/int8-product.js';
import { clip, withScalar } from './onnx/elementwise.js';
import type { Model } from './worker/protocol.js';

const lines: string[] = [];
const engine = createOnnxruntimeEngine({ log: (line) => lines.push(line) });
beforeAll(() => openEngine(engine, { device: 'cpu' }));
afterEach(() => void (lines.length = 0));
afterAll(() => engine.close());

/** Runs a model as the engine's worker does. */
async function refusal({ bytes }: Model): Promise<string | null> {
  try {
    const session = await InferenceSession.create(bytes, { graphOptimizationLevel: 'disabled', logSeverityLevel: 4 });
    await session.run({});
    await session.release();
    return null;
  } catch (error) {
    return String(error);
  }
}

/** A product whose sums of two neighbours stop at 16 bits in the ways named, as `vpmaddubsw` has it. */
const saturating =
  (...ways: Int8Way[]): typeof int8MatMul =>
  (graph, a, b, way) => {
    const exact = int8MatMul(graph, a, b, 'float32');
    const limit = ((a.shape[1] ?? 0) / 2) * 32767;
    return ways.includes(way) ? clip(graph, withScalar(graph, 'Mul', exact, 2), -limit, limit) : exact;
  };

test.each([
  ['exact', saturating(), 'signed'],
  ['one that saturates', saturating('signed'), 'unsigned'],
  ['one that always saturates', saturating('signed', 'unsigned'), 'float32'],
] as const)('on a processor that is %s', async (_, multiply, expected) => {
  expect(await chooseInt8Way(refusal, multiply)).toBe(expected);
});

test('a runtime without such products multiplies in fp32', async () => {
  expect(await chooseInt8Way(() => Promise.resolve('MatMulIntegerToFloat is not implemented'))).toBe('float32');
});

describe.each(['unsigned', 'float32'] as const)('the way %s', (way: Int8Way) => {
  test('gives the sums of whole numbers exactly, whatever the signs', async () => {
    useInt8Way(tf.backend(), way, () => lines.push(int8Notice[way]!));
    const [m, k, n] = [5, 70, 33];
    const random = randomStream(3);
    const x = Array.from({ length: m }, (_, row) =>
      Array.from({ length: k }, (_, i) => (i === 0 ? 127 : ((i * 37 + row * 11) % 255) - 127)),
    );
    const codes = Int8Array.from({ length: k * n }, (_, i) => (i % 3 === 0 ? 127 : ((i * 91) % 255) - 127));
    const scales = random.uniform([n], 0.5, 1.5) as Tensor1D;
    const values = await scales.data();
    const held = engine.opaque(new Uint8Array(codes.slice().buffer), 'int8', [k, n]) as Tensor2D;
    const y = await int8Product(tf.tensor2d(x), held, { scales }).data();
    const plain = await int8Product(tf.tensor2d(x), held).data();
    for (let row = 0; row < m; row++) {
      for (let column = 0; column < n; column++) {
        const sum = x[row]!.reduce((total, value, i) => total + value * codes[i * n + column]!, 0);
        expect(Math.abs(plain[row * n + column]! - sum)).toBeLessThanOrEqual(1e-6 * Math.abs(sum));
        expect(Math.abs(y[row * n + column]! - sum * values[column]!)).toBeLessThanOrEqual(1e-5 * Math.abs(sum));
      }
    }
    const turned = tf.tensor2d(Int32Array.from(codes), [k, n], 'int32');
    const back = await int8Product(tf.tensor2d(x), tf.transpose(turned), { transposed: true }).data();
    expect(back).toEqual(plain);
    expect(lines).toEqual([int8Notice[way]]); // said once, and when it matters
  });
});

test('the product that the engine chose itself is one of them, with what is to be said', async () => {
  const own = createOnnxruntimeEngine({ log: (line) => lines.push(line) });
  await openEngine(own, { device: 'cpu' });
  expect(lines).toEqual([]); // nothing before an int8 weight is multiplied
  const codes = own.opaque(
    new Uint8Array(Int8Array.from({ length: 64 * 32 }, () => 127).buffer),
    'int8',
    [64, 32],
  ) as Tensor2D;
  const x = tf.fill([8, 64], 127) as Tensor2D;
  const y = await int8Product(x, codes).data();
  expect([...new Set(y)]).toEqual([127 * 127 * 64]);
  expect(Object.values(int8Notice)).toContain(lines[0]);
  await openEngine(engine, { device: 'cpu' });
});

test.each(['signed', 'unsigned', 'float32'] as const)('a number that is none stays visible: %s', async (way) => {
  useInt8Way(tf.backend(), way, () => undefined);
  const codes = engine.opaque(new Uint8Array(8 * 4).fill(1), 'int8', [8, 4]) as Tensor2D;
  for (const [place, bad] of [
    [0, NaN],
    [5, NaN],
    [7, NaN],
    [3, Infinity],
    [3, -Infinity],
  ] as const) {
    const x = tf.tensor2d(
      Float32Array.from({ length: 16 }, (_, i) => (i === place ? bad : 1)),
      [2, 8],
    );
    const y = await int8Product(x, codes).data();
    expect(y.slice(0, 4).some(Number.isFinite)).toBe(false);
    expect([...y.slice(4)].every(Number.isFinite)).toBe(true);
  }
});
