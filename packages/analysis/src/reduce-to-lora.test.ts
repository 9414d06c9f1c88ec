/** Any adapter as a LoRA: what is kept of it, where it can be written, what is refused. */
import '@tensorflow/tfjs-backend-cpu';
import { sinter } from '@loran/activations';
import {
  type AdapterMethod,
  AdapterSet,
  factoredLayers,
  frozenTensor,
  loadAdapter,
  saveAdapter,
  Slot,
} from '@loran/adapter';
import { lora } from '@loran/lora';
import { loran } from '@loran/loran';
import { openEngine, portableEngine, randomStream } from '@loran/tensor';
import { expectClose } from '@loran/testing';
import * as tf from '@tensorflow/tfjs-core';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { analyseAdapter, reduceToLora } from './index.js';

beforeAll(() => openEngine(portableEngine('cpu')));

const random = (name: string, ...shape: [number, number]) =>
  randomStream(3).derive(name).normal(shape, 0, 1) as tf.Tensor2D;

/** An embedding, two layers and a classifier; what they compute of three ids. */
function model() {
  const slots = [
    new Slot('embed', frozenTensor(random('embed', 12, 6), null, 'embedding')),
    new Slot('layers.0.dense', frozenTensor(random('0', 8, 6))),
    new Slot('layers.1.dense', frozenTensor(random('1', 5, 8))),
    new Slot('score', frozenTensor(random('score', 3, 5), tf.tensor1d([1, 2, 3]))),
  ];
  const set = new AdapterSet({ modules: () => new Map(slots.map((slot) => [slot.path, slot])) });
  const run = () =>
    tf.tidy(() => slots.reduce<tf.Tensor>((x, slot) => slot.apply(x), tf.tensor1d([3, 0, 11], 'int32')));
  return { set, run };
}

async function withLoran() {
  const one = model();
  const adapter = await one.set.add({
    method: loran,
    config: { rank: 2, alpha: 3, activation: sinter },
    targetModules: ['embed', 'dense'],
    modulesToSave: ['score'],
  });
  for (const layer of [...adapter.layers.values(), ...adapter.savedModules.values()]) {
    for (const [name, parameter] of layer.parameters) {
      parameter.assign(randomStream(4).derive(name).normal(parameter.shape, 0, 0.4));
    }
  }
  return one;
}

test('at full rank it computes the same, embeddings and modules trained whole included; at less, about the same', async () => {
  const { set, run } = await withLoran();
  const before = await run().data<'float32'>();
  const full = await reduceToLora(set, 'default', { methods: [lora], rank: 99 });
  expect(full.layers.map(({ path, rank }) => [path, rank])).toEqual([
    ['embed', 6],
    ['layers.0.dense', 6],
    ['layers.1.dense', 5],
  ]);
  expect(full.error).toBeLessThan(1e-6);
  expect(await run().data()).toEqual(before); // the new one is inactive
  set.activate('reduced');
  await expectClose(await run().data(), before, { absolute: 1e-3, relative: 1e-4 });

  set.activate('default');
  const low = await reduceToLora(set, 'default', { methods: [lora], rank: 2, name: 'low' });
  expect(low.error).toBeGreaterThan(0);
  expect(low.error).toBeLessThan(1e-4); // Sinter moves it by 5e-5 at most
  set.activate('low');
  await expectClose(await run().data(), before, { absolute: 0.05, relative: 1e-3 });
});

test('ranks by energy are saved as patterns and loaded again', async () => {
  const { set, run } = await withLoran();
  const { adapter, layers } = await reduceToLora(set, 'default', { methods: [lora], energy: 0.8 });
  expect(new Set(layers.map(({ rank }) => rank)).size).toBeGreaterThan(1);
  set.activate('reduced');
  const folder = await mkdtemp(path.join(tmpdir(), 'loran-reduce-'));
  try {
    await saveAdapter(adapter, folder);
    const two = model();
    await loadAdapter(two.set, folder, { methods: [lora] });
    expect(await two.run().data()).toEqual(await run().data());
  } finally {
    await rm(folder, { recursive: true });
  }
  await expect(factoredLayers(adapter, 'a file')).rejects.toMatchObject({ code: 'NOT_FACTORED' }); // it trains the classifier
});

test.each([
  ['no choice', {}, 'INVALID_RANK'],
  ['half a rank', { rank: 1.5 }, 'INVALID_RANK'],
  ['more than all', { energy: 1.1 }, 'INVALID_ENERGY'],
  ['a taken name', { rank: 1, name: 'default' }, 'ADAPTER_EXISTS'],
  ['no method that can', { rank: 1, methods: [loran as AdapterMethod] }, 'NO_FACTORED_METHOD'],
])('%s is refused, and the model is as before', async (_, options, code) => {
  const { set, run } = await withLoran();
  const before = await run().data();
  await expect(reduceToLora(set, 'default', { methods: [lora], ...options })).rejects.toMatchObject({ code });
  expect(set.names()).toEqual(['default']);
  expect(await run().data()).toEqual(before);
});

test('updates that are not finite, change biases, or are none cannot be reduced', async () => {
  const { set } = await withLoran();
  set
    .get('default')
    .layers.get('layers.0.dense')!
    .parameters.get('A')!
    .assign(tf.fill([2, 6], NaN));
  await expect(reduceToLora(set, 'default', { methods: [lora], rank: 1 })).rejects.toMatchObject({
    code: 'NON_FINITE',
  });
  const probe = model().set;
  await probe.add({ method: lora, targetModules: [], modulesToSave: ['score'] });
  await expect(reduceToLora(probe, 'default', { methods: [lora], rank: 1 })).rejects.toMatchObject({
    code: 'NOT_REDUCIBLE',
  });
  const biased: AdapterMethod = {
    ...(lora as AdapterMethod),
    create: (frozen, config, context) => ({
      ...(lora as AdapterMethod).create(frozen, config, context),
      delta: () => ({ bias: tf.ones([frozen.rows]) }),
    }),
  };
  const other = model().set;
  await other.add({ method: biased, targetModules: ['dense'], config: { rank: 1 } });
  await expect(reduceToLora(other, 'default', { methods: [lora], rank: 1 })).rejects.toMatchObject({
    code: 'NOT_REDUCIBLE',
  });
});

test('a weight that the method replaced counts as part of the update', async () => {
  const residual: AdapterMethod = {
    ...(lora as AdapterMethod),
    prepare: async (layers) => {
      for (const { frozen, replace } of layers) replace(await frozen.with(tf.tidy(() => tf.mul(frozen.weight(), 0.5))));
    },
  };
  const { set, run } = model();
  await set.add({ method: residual, targetModules: ['dense'], config: { rank: 1 } });
  const before = await run().data();
  const { update } = (await analyseAdapter(set, 'default')).layers[0]!;
  expect(update!.effectiveRank).toBeGreaterThan(4); // half of the random weight is gone, though B is 0
  const { adapter } = await reduceToLora(set, 'default', { methods: [lora], rank: 8 });
  const folder = await mkdtemp(path.join(tmpdir(), 'loran-reduce-'));
  try {
    await saveAdapter(adapter, folder);
    const two = model();
    await loadAdapter(two.set, folder, { methods: [lora] });
    await expectClose(await two.run().data(), before, { absolute: 1e-4, relative: 1e-4 });
  } finally {
    await rm(folder, { recursive: true });
  }
});
