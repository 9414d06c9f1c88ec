/** EVA: the directions that PEFT finds in the same inputs, and the ranks that follow from them. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { AdapterSet, frozenTensor, Slot } from '@loran/adapter';
import { openEngine, portableEngine } from '@loran/tensor';
import { expectClose } from '@loran/testing';
import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { lora } from '../lora.js';
import { distribute } from './eva.js';

interface Golden {
  readonly ids: number[][];
  readonly base: Record<string, number[]>;
  readonly ranks: Record<string, number>;
  readonly alphas: Record<string, number>;
  readonly A: Record<string, number[]>;
}

const fixture = new URL('../__fixtures__/family/golden.json', import.meta.url);
const { eva: golden } = JSON.parse(readFileSync(fixture, 'utf8')) as { eva: Golden };

beforeAll(() => openEngine(portableEngine('cpu')));

function model() {
  const weight = (name: string, rows: number, columns: number) =>
    tf.tensor2d(golden.base[`${name}.weight`]!, [rows, columns]);
  const tokens = new Slot('embed_tokens', frozenTensor(weight('embed_tokens', 9, 6), null, 'embedding'));
  const dense = new Slot('dense', frozenTensor(weight('dense', 5, 6), tf.tensor1d(golden.base['dense.bias']!)));
  const out = new Slot('out', frozenTensor(weight('out', 6, 5), tf.tensor1d(golden.base['out.bias']!)));
  const run = (ids: number[][]) => tf.tidy(() => out.apply(tf.tanh(dense.apply(tokens.apply(tf.tensor2d(ids))))));
  const set = new AdapterSet({ modules: () => new Map([tokens, dense, out].map((slot) => [slot.path, slot])) });
  const calibrate = (examples: number) => {
    for (const row of golden.ids.slice(0, examples)) run([row]).dispose();
    return Promise.resolve();
  };
  const add = (config: object) =>
    set.add({
      method: lora,
      config: { rank: 2, alpha: 4, init: 'eva', ...config },
      targetModules: ['dense', 'out'],
      calibrate,
    });
  return { set, run, add };
}

test("A has PEFT's directions and ranks, but for their signs; nothing changes at the start", async () => {
  const { run, add } = model();
  const before = await run(golden.ids).data();
  const adapter = await add({});
  expect(await run(golden.ids).data()).toEqual(before);
  for (const [path, layer] of adapter.layers) {
    const A = layer.parameters.get('A')!;
    expect(A.shape[0]).toBe(golden.ranks[path]);
    await expectClose(await tf.abs(A).data(), golden.A[path]!.map(Math.abs), { absolute: 1e-4 });
  }
});

test('what it made for the data is freed', async () => {
  const { set, add } = model();
  const before = tf.memory().numTensors;
  await expect(add({ rank: 4, eva: { rho: 1, examples: 1 } })).resolves.toBeDefined(); // 6 tokens
  set.remove('default');
  expect(tf.memory().numTensors).toBe(before);
});

test('ranks go to the largest shares; equal ones to the earlier module; a module may be left without', () => {
  const modules = [
    { path: 'a', shares: [0.9, 0.05] },
    { path: 'b', shares: [0.5, 0.4] },
    { path: 'c', shares: [0.05, 0.04] },
  ];
  expect([...distribute(modules, 3)]).toEqual([
    ['a', 1],
    ['b', 2],
    ['c', 0],
  ]);
  expect(distribute(modules, 4).get('a')).toBe(2);
});
