/**
 * The authors' full form, and that what their code gets wrong is right here: it merges the transposed update, does not merge into a quantised
 * base, has one activation for all adapters of a layer, and starts projections and embeddings where they cannot learn.
 */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { createActivationRegistry, standardActivations } from '@loran/activations';
import { adapterParameters, AdapterSet, bf16, fp32, frozenTensor, Slot } from '@loran/adapter';
import { openEngine, portableEngine, randomStream } from '@loran/tensor';
import { descend, expectClose, tinyModel } from '@loran/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { loran } from './loran.js';
import type { LoranOptions } from './loran-config.js';

beforeAll(() => openEngine(portableEngine('cpu')));

const registry = createActivationRegistry(standardActivations);
const resolve = (_: string, name: string) => registry.get(name);

function square() {
  const weight = randomStream(1).normal([4, 4], 0, 0.5) as tf.Tensor2D;
  const slot = new Slot('dense', frozenTensor(weight));
  return {
    slot,
    set: new AdapterSet({ modules: () => new Map([['dense', slot]]) }),
    x: randomStream(2).normal([3, 4], 0, 1),
  };
}

async function add(set: AdapterSet, config: LoranOptions, name = 'default') {
  const adapter = await set.add({ method: loran, config, targetModules: ['dense'], resolve, name });
  for (const [key, parameter] of adapterParameters(adapter)) {
    parameter.assign(randomStream(7).derive(`${name}.${key}`).normal(parameter.shape, 0, 0.5));
  }
  return adapter;
}

test('a merge into a square weight adds the update, not its transpose', async () => {
  const { slot, set, x } = square();
  await add(set, { rank: 2, activation: 'tanh', projections: [3], biases: true });
  const before = await slot.apply(x).data();
  await set.merge();
  await expectClose(await slot.apply(x).data(), before, { absolute: 1e-5 });
  set.unmerge();
  const update = set.get('default').layers.get('dense')!.delta().weight!;
  const transposed = tf.matMul(x as tf.Tensor2D, tf.add(slot.frozen.weight(), tf.transpose(update)), false, true);
  const difference = await tf.max(tf.abs(tf.sub(transposed, slot.apply(x)))).data();
  expect(difference[0]).toBeGreaterThan(0.1); // what theirs would have given
});

test('a merge into a base that is not fp32', async () => {
  const model = await tinyModel({ storage: bf16 });
  const set = new AdapterSet(model);
  const options = { method: loran, targetModules: ['first', 'second'], resolve };
  const adapter = await set.add({
    ...options,
    config: { rank: 2, activation: 'tanh', projections: [3], biases: true },
  });
  for (const [key, parameter] of adapterParameters(adapter)) {
    parameter.assign(randomStream(7).derive(key).normal(parameter.shape, 0, 0.3));
  }
  const before = await model.run().data();
  await set.merge();
  await expectClose(await model.run().data(), before, { absolute: 1e-5, relative: 1e-5 });
});

test('two adapters on one layer keep their own activations, constants, P and b', async () => {
  const { slot, set, x } = square();
  const configs: readonly (readonly [string, LoranOptions])[] = [
    ['waves', { rank: 2, activation: { name: 'sinter', amplitude: 0.5, frequency: 3 } }],
    ['chain', { rank: 2, activation: 'sigmoid', projections: [3, 2], biases: true }],
  ];
  const alone: tf.Tensor[] = [];
  for (const [name, config] of configs) {
    await add(set, config, name);
    set.activate(name);
    alone.push(tf.sub(slot.apply(x), slot.frozen.apply(x)));
  }
  set.activate('waves');
  await expectClose(await tf.sub(slot.apply(x), slot.frozen.apply(x)).data(), await alone[0]!.data(), {
    absolute: 1e-6,
  });
  set.activate('waves', 'chain');
  const both = tf.add(slot.frozen.apply(x), tf.addN(alone));
  await expectClose(await slot.apply(x).data(), await both.data(), { absolute: 1e-5 });
  await set.merge();
  await expectClose(await slot.apply(x).data(), await both.data(), { absolute: 1e-5 });
});

describe.each([
  ['projections', ['first', 'second'], { activation: 'sinter', projections: [4] }],
  ['two projections with biases', ['first', 'second'], { activation: 'tanh', projections: [4, 3], biases: true }],
  ['an embedding', ['tokens'], { activation: 'sinter' }],
  ['an embedding with projections', ['tokens'], { activation: 'sinter', projections: [4] }],
] as const)('%s', (_, targetModules, options) => {
  test('start as the base, and every part of them learns', async () => {
    const model = await tinyModel({ storage: fp32 });
    const base = await model.run().data();
    const set = new AdapterSet(model);
    const config = { rank: 2, ...options };
    const adapter = await set.add({ method: loran, config, targetModules, resolve });
    expect(await model.run().data()).toEqual(base);
    const parameters = adapterParameters(adapter);
    const before = new Map<string, string>();
    for (const [name, parameter] of parameters) before.set(name, String(await parameter.data()));
    const losses = await descend(() => model.loss(), [...parameters.values()], { steps: 20, learningRate: 0.02 });
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
    for (const [name, parameter] of parameters) expect(String(await parameter.data()), name).not.toBe(before.get(name));
  });
});

test('any shape goes without projections: theirs needs a square weight', async () => {
  const slot = new Slot('dense', frozenTensor(tf.zeros([3, 5])));
  const set = new AdapterSet({ modules: () => new Map([['dense', slot]]) });
  const adapter = await add(set, { rank: 2, alpha: 2, depth: 3, activation: 'tanh' });
  const { A, B } = Object.fromEntries(adapter.layers.get('dense')!.parameters) as Record<string, tf.Tensor2D>;
  const expected = tf.tanh(tf.tanh(tf.tanh(tf.matMul(B!, A!))));
  await expectClose(await adapter.layers.get('dense')!.delta().weight!.data(), await expected.data(), {
    absolute: 1e-6,
  });
});

describe('single modules by pattern', () => {
  const slots = ['a.q', 'a.v'].map((path) => new Slot(path, frozenTensor(tf.zeros([4, 4]))));
  const set = () => new AdapterSet({ modules: () => new Map(slots.map((slot) => [slot.path, slot])) });

  test('have their own activation, rank and alpha', async () => {
    const config: LoranOptions = {
      rank: 2,
      alpha: 4,
      activation: 'identity',
      activationPattern: { v: { name: 'sine', frequency: { value: 3, trainable: true } } },
      rankPattern: { v: 3 },
      alphaPattern: { 'a.v': 6 },
    };
    const { layers } = await set().add({ method: loran, config, targetModules: ['q', 'v'], resolve });
    const [q, v] = ['a.q', 'a.v'].map((path) => layers.get(path)!);
    for (const [name, parameter] of [...q!.parameters, ...v!.parameters]) {
      if (name === 'A' || name === 'B') parameter.assign(randomStream(3).derive(name).normal(parameter.shape, 0, 0.5));
    }
    expect([...q!.parameters.keys()]).toEqual(['A', 'B']);
    expect([...v!.parameters.keys()]).toEqual(['A', 'B', 'activation.frequency']);
    expect([q!, v!].map((layer) => layer.nonlinear!().name)).toEqual(['identity', 'sine']);
    const { A, B } = Object.fromEntries(v!.parameters) as Record<string, tf.Tensor2D>;
    expect(A!.shape).toEqual([3, 4]);
    const expected = tf.mul(2, tf.sin(tf.mul(3, tf.matMul(B!, A!))));
    await expectClose(await v!.delta().weight!.data(), await expected.data(), { absolute: 1e-5 });
  });

  test('an unknown activation of one of them is named', async () => {
    const config = { rank: 2, activationPattern: { v: 'sintr' } };
    const adding = set().add({ method: loran, config, targetModules: ['q', 'v'], resolve });
    await expect(adding).rejects.toThrow(/Unknown activation 'sintr'/);
  });
});

test.each([
  ['rank', 4 / 2],
  ['sqrt-rank', 4 / Math.sqrt(2)],
  ['rank-and-width', 4 / (2 * Math.sqrt(9))],
] as const)('scaling by %s', async (scaling, expected) => {
  const slot = new Slot('dense', frozenTensor(tf.zeros([3, 9])));
  const set = new AdapterSet({ modules: () => new Map([['dense', slot]]) });
  const adapter = await add(set, { rank: 2, alpha: 4, activation: 'sine', scaling });
  const { A, B } = Object.fromEntries(adapter.layers.get('dense')!.parameters) as Record<string, tf.Tensor2D>;
  const update = tf.mul(expected, tf.sin(tf.matMul(B!, A!)));
  await expectClose(await adapter.layers.get('dense')!.delta().weight!.data(), await update.data(), { absolute: 1e-5 });
});
