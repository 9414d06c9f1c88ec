import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { AdapterSet, frozenTensor, Slot } from '@loran/adapter';
import { openEngine, portableEngine } from '@loran/tensor';
import { beforeAll, expect, test } from 'vitest';
import { lora } from './lora.js';

beforeAll(() => openEngine(portableEngine('cpu')));

test('each module has its own rank and scaling, in its factors and in the count', async () => {
  const slot = (path: string) => [path, new Slot(path, frozenTensor(tf.ones([4, 6])))] as const;
  const set = new AdapterSet({ modules: () => modules });
  const modules = new Map([slot('a.q'), slot('a.v')]);
  const config = { rank: 2, alpha: 4, rankPattern: { v: 3 }, alphaPattern: { 'a.q': 10 } };
  const adapter = await set.add({ method: lora, config, targetModules: ['q', 'v'] });
  const facts = [...adapter.layers.values()].map((layer) => layer.factored!());
  expect(facts.map(({ A, B, scaling }) => [A.shape, B.shape, scaling])).toEqual([
    [[2, 6], [4, 2], 5],
    [[3, 6], [4, 3], 4 / 3],
  ]);
  expect(set.count().trainable).toBe(2 * 10 + 3 * 10);
});

test.each([
  [{ rankPattern: { v: 5 } }, 'INVALID_RANK'],
  [{ rankPattern: { '(': 2 } }, 'INVALID_CONFIG'],
  [{ alphaPattern: { v: -1 } }, 'INVALID_CONFIG'],
])('%j is refused', async (config, code) => {
  const modules = new Map([['v', new Slot('v', frozenTensor(tf.ones([4, 6])))]]);
  const set = new AdapterSet({ modules: () => modules });
  await expect(set.add({ method: lora, config, targetModules: ['v'] })).rejects.toMatchObject({ code });
});
