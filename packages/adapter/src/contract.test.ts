/** The contract, tried by methods that ask different things of it. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openEngine, portableEngine, randomStream } from '@loran/tensor';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { adapterParameters } from './adapter.js';
import { AdapterSet } from './adapter-set.js';
import { loadAdapter } from './folder/load-adapter.js';
import { saveAdapter } from './folder/save-adapter.js';
import { Slot } from './slot.js';
import { frozenTensor } from './storage/fp32.js';
import { dora } from './__fixtures__/trials/dora.js';
import { embeddingLora } from './__fixtures__/trials/embedding.js';
import { ia3 } from './__fixtures__/trials/ia3.js';
import { pissa } from './__fixtures__/trials/pissa.js';
import { trainableTokens } from './__fixtures__/trials/trainable-tokens.js';
import { vera } from './__fixtures__/trials/vera.js';

beforeAll(() => openEngine(portableEngine('cpu')));

/** Two slots, one of them biased, and an input; disposed after each test. */
function fixture(kind: 'linear' | 'embedding') {
  const random = randomStream(7);
  const weight = (name: string, rows: number, columns: number) =>
    random.derive(name).normal([rows, columns], 0, 0.5) as Tensor2D;
  if (kind === 'embedding') {
    const slot = new Slot('tokens', frozenTensor(weight('tokens', 6, 5), null, 'embedding'));
    return {
      slots: [slot],
      run: () =>
        slot.apply(
          tf.tensor2d(
            [
              [1, 4],
              [0, 5],
            ],
            [2, 2],
            'int32',
          ),
        ),
    };
  }
  const bias = random.derive('bias').normal([4], 0, 0.5) as tf.Tensor1D;
  const first = new Slot('block.first', frozenTensor(weight('first', 4, 5), bias));
  const second = new Slot('block.second', frozenTensor(weight('second', 3, 4)));
  const x = random.derive('x').normal([2, 2, 5], 0, 1);
  return { slots: [first, second], run: () => tf.tidy(() => second.apply(first.apply(x))) };
}

const trials = { dora, ia3, pissa, vera, embedding: embeddingLora, tokens: trainableTokens };

describe.each(Object.entries(trials))('%s', (name, method) => {
  const kind = name === 'embedding' || name === 'tokens' ? 'embedding' : 'linear';
  let slots: Slot[];
  let set: AdapterSet;
  let run: () => Tensor;
  let folder: string;

  beforeEach(async () => {
    const made = fixture(kind);
    slots = made.slots;
    run = made.run;
    set = new AdapterSet({ modules: () => new Map(slots.map((slot) => [slot.path, slot])) });
    folder = await mkdtemp(path.join(tmpdir(), 'loran-contract-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const add = (options = {}) => set.add({ method, targetModules: slots.map(({ path }) => path), ...options });
  const values = async (x: Tensor) => [...(await x.data())];

  /** Moves every parameter off its initial value, each element by its own amount. */
  function move(adapter: Awaited<ReturnType<typeof add>>) {
    for (const [key, parameter] of adapterParameters(adapter)) {
      tf.tidy(() =>
        parameter.assign(tf.add(parameter, randomStream(3).derive(key).uniform(parameter.shape, 0.05, 0.25))),
      );
    }
  }

  test('changes nothing at the start', async () => {
    const before = await values(run());
    await add();
    expectClose(await values(run()), before);
  });

  test('gives every parameter a gradient equal to finite differences', async () => {
    const adapter = await add();
    move(adapter);
    const parameters = [...adapterParameters(adapter).values()];
    const loss = () => tf.tidy(() => tf.sum(tf.square(run()))) as tf.Scalar;
    const { grads } = tf.variableGrads(loss, parameters);
    for (const parameter of parameters) {
      const gradient = await values(grads[parameter.name] as Tensor);
      expect(gradient.some((g) => Math.abs(g) > 1e-6)).toBe(true);
      const start = await values(parameter);
      const at = async (i: number, by: number) => {
        parameter.assign(
          tf.tensor(
            start.map((v, j) => (i === j ? v + by : v)),
            parameter.shape,
          ),
        );
        return (await values(loss()))[0] ?? Number.NaN;
      };
      for (const i of [0, start.length - 1]) {
        const difference = ((await at(i, 1e-2)) - (await at(i, -1e-2))) / 2e-2;
        expect(gradient[i]).toBeCloseTo(difference, 1);
      }
      parameter.assign(tf.tensor(start, parameter.shape));
    }
  });

  test('computes the same when merged, and the base again, bit for bit, when unmerged and inactive', async () => {
    const base = await values(run());
    const adapter = await add();
    move(adapter);
    const adapted = await values(run());
    expect(adapted.some((y, i) => Math.abs(y - (base[i] ?? 0)) > 1e-2)).toBe(true);
    await set.merge();
    expectClose(await values(run()), adapted);
    await expect(set.merge()).rejects.toMatchObject({ code: 'ALREADY_MERGED' });
    set.unmerge();
    expect(await values(run())).toEqual(adapted);
    set.remove('default');
    expect(await values(run())).toEqual(base);
  });

  test('keeps its parameters through a folder', async () => {
    const adapter = await add();
    move(adapter);
    const adapted = await values(run());
    await saveAdapter(adapter, folder);
    set.remove('default');
    await loadAdapter(set, folder, { methods: [method] });
    expectClose(await values(run()), adapted);
  });

  test('frees all it made when it is removed', async () => {
    const before = tf.memory().numTensors;
    move(await add());
    set.remove('default');
    expect(tf.memory().numTensors).toBe(before);
  });
});

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, i) => expect(value).toBeCloseTo(expected[i] ?? Number.NaN, 4));
}
