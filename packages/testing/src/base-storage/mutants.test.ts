/** The laws of base storage, each tried on a storage that breaks it. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { fp32, type BaseStorage, type FrozenWeight } from '@loran/adapter';
import { openEngine, portableEngine } from '@loran/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import { baseStorageLaws } from './describe-base-storage.js';

beforeAll(() => openEngine(portableEngine('cpu')));

/** fp32 with each frozen weight changed. */
function weights(change: (frozen: FrozenWeight) => Partial<FrozenWeight>): BaseStorage {
  const changed = (frozen: FrozenWeight): FrozenWeight => {
    const { kind, storage, rows, columns, bias, byteLength } = frozen;
    const own: FrozenWeight = {
      ...{ kind, storage, rows, columns, bias, byteLength },
      apply: (x, delta) => frozen.apply(x, delta),
      weight: () => frozen.weight(),
      with: async (weight, other) => changed(await frozen.with(weight, other)),
      parts: () => frozen.parts(),
      dispose: () => frozen.dispose(),
    };
    return { ...own, ...change(frozen) };
  };
  return {
    ...fp32,
    store: async (source) => changed(await fp32.store(source)),
    restore: (kind, parts) => changed(fp32.restore(kind, parts)),
  };
}

const enlarged = <T extends Tensor>(x: T) => tf.tidy(() => tf.mul<T>(x, 1.01));
let stores = 0;

const mutants: readonly { name: string; storage: BaseStorage; breaks: readonly string[] }[] = [
  { name: 'another name', storage: weights(() => ({ storage: 'other' })), breaks: ['says what it is'] },
  {
    name: 'values one percent too large',
    storage: weights((frozen) => ({ weight: () => enlarged(frozen.weight()) })),
    breaks: [
      'keeps the values within its tolerance, and the bias exactly',
      'multiplies by its own weight, for any leading axes',
      'stores its own values again without loss',
    ],
  },
  {
    name: 'other bits at each call',
    storage: weights((frozen) => ({
      parts: async () => {
        const parts = new Map(await frozen.parts());
        const data = Uint8Array.from(parts.get('weight')!.data);
        data[0] = stores++ % 256;
        return parts.set('weight', { ...parts.get('weight')!, data });
      },
    })),
    breaks: ['stores the same bits whatever the length of the runs', 'is restored from its parts bit for bit'],
  },
  {
    name: 'a bias that is not counted',
    storage: weights(({ rows, columns }) => ({ byteLength: 4 * rows * columns })),
    breaks: ['counts the bytes that it takes'],
  },
  {
    name: 'a bias that is not added',
    storage: weights((frozen) => ({
      apply: (x, delta) =>
        frozen.bias === null ? frozen.apply(x, delta) : tf.sub(frozen.apply(x, delta), frozen.bias),
    })),
    breaks: ['multiplies by its own weight, for any leading axes'],
  },
  {
    name: 'a delta that is forgotten',
    storage: weights((frozen) => ({ apply: (x) => frozen.apply(x) })),
    breaks: [
      'multiplies by the sum with a delta',
      'has the gradients of that product, in x and in the delta',
      'as an embedding, looks up its rows, with a delta or without',
    ],
  },
  {
    name: 'no gradient',
    storage: weights((frozen) => ({
      apply: (x, delta) =>
        tf.customGrad((y) => ({ value: frozen.apply(y as Tensor, delta), gradFunc: () => tf.zerosLike(x) }))(x),
    })),
    breaks: ['has the gradients of that product, in x and in the delta'],
  },
  {
    name: 'parts that it does not have',
    storage: { ...fp32, recognises: (_, path) => (path === 'a.b' ? ['weight', 'weight.absmax'] : undefined) },
    breaks: ['finds its own parts in a checkpoint, if it looks for any'],
  },
  {
    name: 'parts that are made up where they are missing',
    storage: {
      ...fp32,
      restore: (kind, parts) =>
        fp32.restore(kind, new Map([['weight', { dtype: 'F32', shape: [1, 1], data: new Uint8Array(4) }], ...parts])),
    },
    breaks: ['refuses parts that are missing'],
  },
  {
    name: 'a weight that changes in place',
    storage: weights((frozen) => ({
      parts: async () => {
        const parts = await frozen.parts();
        return new Map([...parts, ['time', { dtype: 'U8', shape: [1], data: Uint8Array.of(stores++ % 256) }]]);
      },
    })),
    breaks: ['can hold other values, and keeps its bias unless told otherwise'],
  },
  {
    name: 'a bias that is lost',
    storage: weights((frozen) => ({ with: (weight, bias) => frozen.with(weight, bias ?? null) })),
    breaks: ['can hold other values, and keeps its bias unless told otherwise'],
  },
  {
    name: 'sources of any length',
    storage: {
      ...fp32,
      store: async (source) => {
        const values = new Float32Array(source.rows * source.columns);
        let at = 0;
        for await (const run of source.values()) for (const value of run) values[at++] = value;
        return fp32.restore(
          source.kind,
          new Map([
            ['weight', { dtype: 'F32', shape: [source.rows, source.columns], data: new Uint8Array(values.buffer) }],
          ]),
        );
      },
    },
    breaks: ['refuses a source with too few or too many values'],
  },
  {
    name: 'a copy that is kept at every reading',
    storage: weights((frozen) => ({ weight: () => tf.keep(tf.clone(tf.keep(tf.clone(frozen.weight())) as Tensor2D)) })),
    breaks: ['frees everything'],
  },
];

describe.each(mutants)('$name', ({ storage, breaks }) => {
  const subject = { storage, tolerance: { absolute: 0, relative: 0 }, product: { absolute: 1e-5 }, bytes: undefined };
  test.each(breaks)('breaks: %s', async (name) => {
    await expect(Promise.resolve(subject).then(baseStorageLaws[name])).rejects.toThrow();
  });
});

test('every law is broken by some mutant', () => {
  expect(Object.keys(baseStorageLaws).sort()).toEqual([...new Set(mutants.flatMap(({ breaks }) => breaks))].sort());
});
