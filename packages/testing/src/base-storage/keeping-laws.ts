/** Laws about keeping values: what goes in comes out, within the storage's precision, and again from a checkpoint. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { FrozenWeight } from '@loran/adapter';
import { LoranError } from '@loran/plugin';
import { expect } from 'vitest';
import { expectClose, valuesOf } from '../expect-close.js';
import type { Law } from '../law-suite.js';
import { weightSource } from '../tiny-model.js';
import { input, shapes, withWeight, type BaseStorageSubject } from './subject.js';

export const keepingLaws: Readonly<Record<string, Law<BaseStorageSubject>>> = {
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

  'finds its own parts in a checkpoint, if it looks for any': ({ storage }) =>
    withWeight(storage, { rows: 7, columns: 5 }, async (frozen) => {
      const parts = [...(await frozen.parts()).keys()].filter((name) => name !== 'bias');
      const names = new Set([...parts, 'bias'].map((name) => `a.b.${name}`));
      if (storage.recognises === undefined) return;
      expect([...(storage.recognises(names, 'a.b') ?? [])].sort()).toEqual(parts.sort());
      for (const other of ['a', 'a.b.c', 'b']) expect(storage.recognises(names, other)).toBeUndefined();
      expect(storage.recognises(new Set(['a.b.weight', 'a.b.bias']), 'a.b')).toBeUndefined(); // plain floats
    }),

  'refuses parts that are missing': ({ storage }) =>
    withWeight(storage, { rows: 7, columns: 5, biased: false }, async (frozen) => {
      for (const name of (await frozen.parts()).keys()) {
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
