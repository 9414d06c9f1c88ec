import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { type FrozenWeight, frozenTensor } from '@loran/adapter';
import { type Engine, openEngine, portableEngine, randomStream } from '@loran/tensor';
import { sourceOf } from './__fixtures__/golden.js';
import { fp4 } from './fp4.js';
import { createNf4, nf4 } from './nf4.js';

const random = randomStream(5);

beforeAll(async () => {
  await openEngine(portableEngine('cpu'));
});

describe.each([
  ['whole blocks', 64, 128],
  ['blocks across rows', 10, 33],
  ['an odd count', 7, 19],
])('a linear weight of %s', (_, rows, columns) => {
  const stored = async (bias = true): Promise<{ frozen: FrozenWeight; plain: FrozenWeight }> => {
    const frozen = await nf4.store(
      sourceOf(normalValues(rows, columns), 100, bias ? normal('bias', [rows]) : undefined),
    );
    return { frozen, plain: frozenTensor(frozen.weight(), frozen.bias && tf.clone(frozen.bias)) };
  };

  test('multiplies as its dequantised values do, on any leading axes', async () => {
    const { frozen, plain } = await stored();
    for (const leading of [[4], [2, 3], [2, 1, 3]]) {
      const x = random.normal([...leading, columns], 0, 1);
      expect(frozen.apply(x).shape).toEqual([...leading, rows]);
      expect(frozen.apply(x).dataSync()).toEqual(plain.apply(x).dataSync());
    }
  });

  test('has the gradients of its dequantised values, for x and for an update', async () => {
    const { frozen, plain } = await stored();
    const x = random.normal([2, 3, columns], 0, 1);
    const delta = random.normal([rows, columns], 0, 0.1);
    const weighting = random.derive('dy').normal([2, 3, rows], 0, 1);
    const gradients = (weight: FrozenWeight): number[][] => {
      const loss = (x: Tensor, delta: Tensor) => tf.sum(tf.mul(weight.apply(x, delta as Tensor2D), weighting));
      return tf
        .grads(loss)([x, delta])
        .map((gradient) => [...gradient.dataSync()]);
    };
    const [dx, dDelta] = gradients(frozen);
    const [plainDx, plainDDelta] = gradients(plain);
    expect(furthest(dx!, plainDx!)).toBeLessThan(1e-5);
    expect(furthest(dDelta!, plainDDelta!)).toBeLessThan(1e-5);
  });

  test('keeps no dequantised weight for the backward pass', async () => {
    const { frozen } = await stored(false);
    const x = random.normal([1, columns], 0, 1);
    let kept = Infinity;
    tf.grad((x: Tensor) => {
      const before = tf.memory().numBytes;
      const y = frozen.apply(x);
      kept = tf.memory().numBytes - before;
      return tf.sum(y);
    })(x);
    expect(kept).toBeLessThan(4 * (rows + columns) * 4); // x and y, and not rows * columns
  });

  test('leaves nothing behind', async () => {
    const before = tf.memory().numTensors;
    const frozen = await nf4.store(sourceOf(normalValues(rows, columns)));
    const doubled = tf.tidy(() => tf.mul<Tensor2D>(frozen.weight(), 2));
    const other = await frozen.with(doubled);
    doubled.dispose();
    tf.tidy(() => void other.apply(tf.ones([2, columns])));
    await other.parts();
    other.dispose();
    frozen.dispose();
    frozen.dispose(); // a second time changes nothing
    expect(tf.memory().numTensors).toBe(before);
  });
});

test.each([
  ['rows of whole blocks', 20, 128],
  ['rows that share blocks', 20, 48],
])('an embedding of %s gives the rows at the ids, and the gradient of an update', async (_, rows, columns) => {
  const frozen = await nf4.store({ ...sourceOf(normalValues(rows, columns)), kind: 'embedding' });
  const plain = frozenTensor(frozen.weight(), null, 'embedding');
  const ids = tf.tensor2d([3, 0, 19, 3, 7, 7], [2, 3], 'int32');
  const delta = random.normal([rows, columns], 0, 1) as Tensor2D;
  const gradient = (weight: FrozenWeight) =>
    tf
      .grad((delta: Tensor) => tf.sum(tf.square(weight.apply(ids, delta as Tensor2D))))(delta)
      .dataSync();
  expect(frozen.apply(ids).shape).toEqual([2, 3, columns]);
  expect(frozen.apply(ids).dataSync()).toEqual(plain.apply(ids).dataSync());
  expect(gradient(frozen)).toEqual(gradient(plain));
});

describe('with other values', () => {
  test('it quantises them as it was quantised, and keeps, replaces or drops the bias', async () => {
    const single = createNf4({ doubleQuantisation: false, blockSize: 32 });
    const frozen = await single.store(sourceOf(normalValues(6, 40), 240, normal('bias', [6])));
    const values = normal('other', [6, 40]);
    const weight = tf.tensor2d(values, [6, 40]);
    const expected = await (await single.store(sourceOf({ shape: [6, 40], values }))).parts();
    const kept = await frozen.with(weight);
    for (const [name, part] of expected) expect((await kept.parts()).get(name)).toEqual(part);
    expect(kept.bias?.dataSync()).toEqual(frozen.bias?.dataSync());
    expect((await frozen.with(weight, tf.ones([6]))).bias?.dataSync()).toEqual(new Float32Array(6).fill(1));
    expect((await frozen.with(weight, null)).bias).toBeNull();
    const again = await nf4.restore('linear', await frozen.parts()).with(weight);
    expect((await again.parts()).get('weight.absmax')).toEqual(expected.get('weight.absmax'));
  });

  test('another shape is refused', async () => {
    const frozen = await nf4.store(sourceOf(normalValues(6, 40)));
    await expect(frozen.with(tf.zeros([40, 6]))).rejects.toMatchObject({ code: 'SHAPE_MISMATCH' });
  });
});

describe('memory', () => {
  test('a parameter takes 4.127 bits in the file, 4.5 under single quantisation', async () => {
    expect(await storedBits(nf4)).toBeCloseTo(4 + 8 / 64 + 32 / (64 * 256), 2);
    expect(await storedBits(createNf4({ doubleQuantisation: false }))).toBeCloseTo(4.5, 2);
  });

  test('byteLength is what the engine takes for it', async () => {
    const bytes = async (engine: Engine) => {
      await openEngine(engine);
      const frozen = await nf4.store(sourceOf(normalValues(256, 512)));
      const { byteLength } = frozen;
      frozen.dispose();
      return byteLength;
    };
    const [codes, scales] = [(256 * 512) / 2, (256 * 512) / 64]; // one byte each
    expect(await bytes(portableEngine('cpu'))).toBe(4 * (codes + scales) + 4 * 8 + 4); // int32 codes, 8 nested maxima, offset
  });
});

/** Bits a parameter of the tensors in a checkpoint, without the codebooks and names that every weight repeats. */
async function storedBits(storage: typeof nf4): Promise<number> {
  const frozen = await storage.store(sourceOf(normalValues(256, 512)));
  const parts = await frozen.parts();
  frozen.dispose();
  const sizes = ['weight', 'weight.absmax', 'weight.nested_absmax'].map((name) => parts.get(name)?.data.length ?? 0);
  return (8 * sizes.reduce((sum, size) => sum + size, 0)) / (256 * 512);
}

function normalValues(rows: number, columns: number): { shape: [number, number]; values: Float32Array } {
  return { shape: [rows, columns], values: normal('weight', [rows, columns]) };
}

function normal(label: string, shape: number[]): Float32Array {
  const tensor = random.derive(label).normal(shape, 0, 1);
  const values = tensor.dataSync<'float32'>();
  tensor.dispose();
  return values;
}

const furthest = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));

/** The figures of the README. */
test.each([
  [nf4, 0.092, 0.091],
  [fp4, 0.122, 0.12],
])('$name is off by a tenth, relative L2 of normal values', async (storage, ofWeight, ofProduct) => {
  const weight = random.derive('error').normal([192, 256], 0, 0.05) as Tensor2D;
  const frozen = await storage.store(sourceOf({ shape: [192, 256], values: weight.dataSync<'float32'>() }, 1000));
  const x = random.derive('inputs').normal([32, 256], 0, 1);
  const relative = (a: Tensor, b: Tensor) => tf.tidy(() => tf.div(tf.norm(tf.sub(a, b)), tf.norm(b))).dataSync()[0]!;
  expect(Math.abs(relative(frozen.weight(), weight) - ofWeight)).toBeLessThan(0.003);
  expect(Math.abs(relative(frozen.apply(x), frozenTensor(tf.clone(weight)).apply(x)) - ofProduct)).toBeLessThan(0.004);
});
