/** The laws of base storage: a frozen weight is the same linear map however it is kept. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { BaseStorage, FrozenWeight } from '@loran/adapter';
import { LoranError } from '@loran/plugin';
import { linear, randomStream } from '@loran/tensor';
import { expect } from 'vitest';
import { expectClose, valuesOf, type Tolerance } from '../expect-close.js';
import type { Law } from '../law-suite.js';
import { weightSource, type WeightSourceOptions } from '../tiny-model.js';

export interface BaseStorageSubject {
  readonly storage: BaseStorage;
  /** Of the stored values against those given. */
  readonly tolerance: Tolerance;
  readonly bytes: ((rows: number, columns: number) => number) | undefined;
}

// Odd sizes, one row, one column, and more than one block of any quantiser.
const shapes = [
  { rows: 7, columns: 5 },
  { rows: 33, columns: 65 },
  { rows: 1, columns: 64 },
  { rows: 64, columns: 1 },
] as const;

export const baseStorageLaws: Readonly<Record<string, Law<BaseStorageSubject>>> = {
  'says what it is': async ({ storage }) => {
    expect(storage.kind).toBe('base-storage');
    expect(typeof storage.package).toBe(typeof storage.version);
    await withWeight(storage, { rows: 7, columns: 5 }, (frozen) => {
      const { kind, rows, columns, bias } = frozen;
      expect({ kind, rows, columns, storage: frozen.storage }).toEqual({
        kind: 'linear',
        rows: 7,
        columns: 5,
        storage: storage.name,
      });
      expect(bias?.shape).toEqual([7]);
    });
    await withWeight(storage, { rows: 7, columns: 5, biased: false, kind: 'embedding' }, (frozen) => {
      expect([frozen.kind, frozen.bias]).toEqual(['embedding', null]);
    });
  },

  'keeps the values within its tolerance, and the bias exactly': async ({ storage, tolerance }) => {
    for (const shape of shapes) {
      const source = await weightSource(shape);
      const frozen = await storage.store(source);
      const values: number[] = [];
      for await (const run of source.values()) values.push(...run);
      const weight = frozen.weight();
      expect([weight.shape, weight.dtype]).toEqual([[shape.rows, shape.columns], 'float32']);
      await expectClose(await valuesOf(weight), values, tolerance);
      await expectClose(await valuesOf(frozen.bias!), source.bias!, { absolute: 0, relative: 0 });
      weight.dispose();
      frozen.dispose();
    }
  },

  'stores the same bits whatever the length of the runs': async ({ storage }) => {
    const stored = (run: number) =>
      withWeight(storage, { rows: 33, columns: 65, run }, async (frozen) => partsAsText(await frozen.parts()));
    const whole = await stored(33 * 65);
    for (const run of [1, 64, 1000]) expect(await stored(run)).toEqual(whole);
  },

  'counts the bytes that it takes': async ({ storage, bytes }) => {
    for (const { rows, columns } of shapes) {
      await withWeight(storage, { rows, columns, biased: false }, (frozen) => {
        expect(frozen.byteLength).toBeGreaterThan(0);
        if (bytes !== undefined) expect(frozen.byteLength).toBe(bytes(rows, columns));
      });
    }
    const biased = await withWeight(storage, { rows: 7, columns: 5 }, ({ byteLength }) => byteLength);
    const plain = await withWeight(storage, { rows: 7, columns: 5, biased: false }, ({ byteLength }) => byteLength);
    expect(biased - plain).toBe(4 * 7);
  },

  'multiplies by its own weight, for any leading axes': async ({ storage }) => {
    for (const shape of shapes) {
      for (const biased of [true, false]) {
        await withWeight(storage, { ...shape, biased }, async (frozen) => {
          for (const leading of [[], [3], [2, 3], [2, 1, 3]]) {
            const x = input([...leading, shape.columns]);
            const [y, expected] = tf.tidy(() => [frozen.apply(x), linear(x, frozen.weight(), frozen.bias)]) as [
              Tensor,
              Tensor,
            ];
            await expectClose(y, expected, { absolute: 1e-5 });
            tf.dispose([x, y, expected]);
          }
        });
      }
    }
  },

  'multiplies by the sum with a delta': ({ storage }) =>
    withWeight(storage, { rows: 33, columns: 65 }, async (frozen) => {
      const [x, delta] = [input([2, 3, 65]), input([33, 65]) as Tensor2D];
      const [y, expected] = tf.tidy(() => [
        frozen.apply(x, delta),
        linear(x, tf.add(frozen.weight(), delta), frozen.bias),
      ]) as [Tensor, Tensor];
      await expectClose(y, expected, { absolute: 1e-5 });
      tf.dispose([x, delta, y, expected]);
    }),

  'has the gradients of that product, in x and in the delta': ({ storage }) =>
    withWeight(storage, { rows: 33, columns: 65 }, async (frozen) => {
      const [x, delta, dy] = [input([2, 3, 65]), input([33, 65]) as Tensor2D, input([2, 3, 33])];
      const plain = (a: Tensor, d: Tensor) => linear(a, tf.add(frozen.weight(), d as Tensor2D), frozen.bias);
      const own = tf.grads((a: Tensor, d: Tensor) => frozen.apply(a, d as Tensor2D))([x, delta], dy);
      const expected = tf.grads(plain)([x, delta], dy);
      for (const [i, gradient] of own.entries()) await expectClose(gradient, expected[i]!, { absolute: 1e-5 });
      const alone = tf.grad((a: Tensor) => frozen.apply(a))(x, dy);
      const aloneExpected = tf.grad((a: Tensor) => linear(a, frozen.weight(), frozen.bias))(x, dy);
      await expectClose(alone, aloneExpected, { absolute: 1e-5 });
      tf.dispose([x, delta, dy, own, expected, alone, aloneExpected]);
    }),

  'as an embedding, looks up its rows, with a delta or without': ({ storage }) =>
    withWeight(storage, { kind: 'embedding', rows: 33, columns: 65, biased: false }, async (frozen) => {
      const delta = input([33, 65]) as Tensor2D;
      const ids = tf.tensor2d([32, 0, 7, 7, 1, 31], [2, 3], 'int32');
      const rows = (weight: Tensor2D) => tf.gather(weight, ids);
      const [plain, own, sum, ownSum] = tf.tidy(() => [
        rows(frozen.weight()),
        frozen.apply(ids),
        rows(tf.add(frozen.weight(), delta)),
        frozen.apply(ids, delta),
      ]) as [Tensor, Tensor, Tensor, Tensor];
      expect(own.shape).toEqual([2, 3, 65]);
      await expectClose(own, plain, { absolute: 0, relative: 0 });
      await expectClose(ownSum, sum, { absolute: 1e-6 });
      const dy = input([2, 3, 65]);
      const gradient = tf.grad((d: Tensor) => frozen.apply(ids, d as Tensor2D))(delta, dy);
      const expected = tf.grad((d: Tensor) => tf.gather(d, ids))(delta, dy);
      await expectClose(gradient, expected, { absolute: 1e-6 });
      tf.dispose([delta, ids, plain, own, sum, ownSum, dy, gradient, expected]);
    }),

  'is restored from its parts bit for bit': async ({ storage }) => {
    for (const shape of shapes) {
      for (const biased of [true, false]) {
        await withWeight(storage, { ...shape, biased }, async (frozen) => {
          const parts = await frozen.parts();
          const restored = storage.restore('linear', parts);
          expect(partsAsText(await restored.parts())).toEqual(partsAsText(parts));
          await sameWeight(restored, frozen);
          expect([restored.kind, restored.rows, restored.columns]).toEqual(['linear', shape.rows, shape.columns]);
          restored.dispose();
        });
      }
    }
  },

  'refuses parts that are missing': ({ storage }) =>
    withWeight(storage, { rows: 7, columns: 5 }, async (frozen) => {
      for (const name of (await frozen.parts()).keys()) {
        if (name === 'bias') continue; // a weight may have none
        const parts = new Map(await frozen.parts());
        parts.delete(name);
        expect(
          codeOf(() => storage.restore('linear', parts)),
          `without '${name}'`,
        ).toBeDefined();
      }
    }),

  'can hold other values, and keeps its bias unless told otherwise': ({ storage, tolerance }) =>
    withWeight(storage, { rows: 33, columns: 65 }, async (frozen) => {
      const before = partsAsText(await frozen.parts());
      const weight = tf.tidy(() => tf.mul<Tensor2D>(input([33, 65]), 0.5));
      const bias = input([33]) as Tensor1D;
      const [kept, replaced, without] = [
        await frozen.with(weight),
        await frozen.with(weight, bias),
        await frozen.with(weight, null),
      ];
      for (const other of [kept, replaced, without]) {
        expect([other.storage, other.kind]).toEqual([storage.name, 'linear']);
        const stored = other.weight();
        await expectClose(stored, weight, tolerance);
        stored.dispose();
      }
      await expectClose(kept.bias!, frozen.bias!, { absolute: 0, relative: 0 });
      await expectClose(replaced.bias!, bias, { absolute: 0, relative: 0 });
      expect(without.bias).toBeNull();
      for (const other of [kept, replaced, without]) other.dispose();
      expect(partsAsText(await frozen.parts())).toEqual(before); // immutable
      tf.dispose([weight, bias]);
    }),

  'stores its own values again without loss': ({ storage }) =>
    withWeight(storage, { rows: 33, columns: 65 }, async (frozen) => {
      const weight = frozen.weight();
      const again = await frozen.with(weight);
      await sameWeight(again, frozen);
      weight.dispose();
      again.dispose();
    }),

  'refuses a source with too few or too many values': async ({ storage }) => {
    const source = await weightSource({ rows: 7, columns: 5 });
    for (const [rows, columns] of [
      [8, 5],
      [7, 4],
      [1, 1],
    ] as const) {
      await expect(storage.store({ ...source, rows, columns, bias: null })).rejects.toMatchObject({
        code: 'SHAPE_MISMATCH',
      });
    }
  },

  'frees everything': async ({ storage }) => {
    const before = tf.memory().numTensors;
    await withWeight(storage, { rows: 33, columns: 65 }, async (frozen) => {
      const x = input([2, 65]);
      tf.dispose([frozen.apply(x), frozen.weight(), tf.grad((a: Tensor) => frozen.apply(a))(x), x]);
      await frozen.parts();
    });
    expect(tf.memory().numTensors).toBe(before);
  },
};

async function withWeight<T>(
  storage: BaseStorage,
  options: WeightSourceOptions,
  body: (frozen: FrozenWeight) => Promise<T> | T,
): Promise<T> {
  const frozen = await storage.store(await weightSource(options));
  try {
    return await body(frozen);
  } finally {
    frozen.dispose();
  }
}

const input = (shape: number[]): Tensor => randomStream(8).derive(String(shape)).normal(shape, 0, 1);

const partsAsText = (parts: Awaited<ReturnType<FrozenWeight['parts']>>) =>
  [...parts].map(([name, { dtype, shape, data }]) => ({ name, dtype, shape, data: Buffer.from(data).toString('hex') }));

async function sameWeight(a: FrozenWeight, b: FrozenWeight): Promise<void> {
  const [one, other] = [a.weight(), b.weight()];
  await expectClose(one, other, { absolute: 0, relative: 0 });
  tf.dispose([one, other]);
}

/** The code of the LoranError that `call` throws. */
function codeOf(call: () => void): string | undefined {
  try {
    call();
  } catch (error) {
    if (LoranError.is(error)) return error.code;
    throw error;
  }
  return undefined;
}
