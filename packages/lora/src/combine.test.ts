import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  type AdapterMethod,
  adapterParameters,
  AdapterSet,
  combineAdapters,
  fp32,
  type CombineOptions,
  loadAdapter,
  saveAdapter,
} from '@loran/adapter';
import { openEngine, portableEngine, randomStream } from '@loran/tensor';
import { tinyModel, type TinyModel } from '@loran/testing';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { lora } from './lora.js';

beforeAll(() => openEngine(portableEngine('cpu')));

let model: TinyModel;
let set: AdapterSet;
const outputs = async () => {
  const y = model.run();
  const values = [...(await y.data())];
  y.dispose();
  return values;
};

async function addMoved(name: string, config: object, targetModules: readonly string[], method: unknown = lora) {
  const adapter = await set.add({ method: method as AdapterMethod, config, targetModules, name });
  for (const [key, parameter] of adapterParameters(adapter)) {
    parameter.assign(randomStream(7).derive(name).derive(key).normal(parameter.shape, 0, 0.3));
  }
  return adapter;
}

beforeEach(async () => {
  model = await tinyModel({ storage: fp32 });
  set = new AdapterSet(model);
  await addMoved('a', { rank: 2, alpha: 3 }, ['first', 'tokens']);
  await addMoved('b', { rank: 1, alpha: 2, rsLora: true }, ['first', 'second']);
});
afterEach(() => {
  set.clear();
  model.dispose();
});

test.each(['cat', 'svd'] as const)('%s gives what both adapters give together, and switches nothing', async (type) => {
  set.activate('a', 'b');
  set.get('a').scale = 0.5;
  const scale = tf.scalar(-2);
  set.get('b').scale = scale;
  const together = await outputs();
  set.activate('b');
  const before = await outputs();
  const options = type === 'svd' ? { rank: 3 } : {};
  const { adapter, lost } = await combineAdapters(set, {
    adapters: ['a', 'b'],
    weights: [1, 1],
    type,
    name: 'both',
    ...options,
  });
  expect(await outputs()).toEqual(before);
  expect(set.status().map(({ name, active }) => [name, active])).toEqual([
    ['a', false],
    ['b', true],
    ['both', false],
  ]);
  expect([...lost.keys()].sort()).toEqual(['encoder.first', 'encoder.second', 'tokens']);
  expect(Math.max(...lost.values())).toBeLessThan(1e-5);
  set.activate('both');
  (await outputs()).forEach((y, i) => expect(Math.abs(y - together[i]!)).toBeLessThan(1e-5));

  const folder = await mkdtemp(path.join(tmpdir(), 'loran-combine-'));
  const expected = await outputs();
  await saveAdapter(adapter, folder); // with a rank for each module
  await loadAdapter(set, folder, { methods: [lora], name: 'again' });
  set.activate('again');
  expect(await outputs()).toEqual(expected);
  await rm(folder, { recursive: true });
});

test('ranks that sum to more than the weight has are no obstacle to cat', async () => {
  await addMoved('wide', { rank: 4, alpha: 4 }, ['first']);
  const adapters = ['wide', 'a', 'b'];
  set.activate(...adapters);
  const together = await outputs();
  await combineAdapters(set, { adapters, weights: [1, 1, 1], type: 'cat', name: 'all' });
  set.activate('all');
  (await outputs()).forEach((y, i) => expect(Math.abs(y - together[i]!)).toBeLessThan(1e-5));
});

describe('what cannot be combined is refused, and the model is as before', () => {
  const both = { adapters: ['a', 'b'], weights: [1, 1], name: 'new' };
  /** A method whose update is no product. */
  const dense: AdapterMethod = {
    ...(lora as AdapterMethod),
    name: 'dense',
    factoredConfig: undefined as never,
    create: (...parts) => {
      const { factored: _, ...layer } = lora.create(parts[0], parts[1] as never, parts[2]);
      return layer;
    },
  };
  const cases: readonly (readonly [string, Partial<CombineOptions>, string, RegExp])[] = [
    ['an unknown type', { type: 'linaer' as never }, 'INVALID_COMBINATION', /'linaer'.*'linear'.*magnitude_prune_svd/],
    ['no adapters', { adapters: [], weights: [] }, 'INVALID_COMBINATION', /no adapters/],
    ['too few weights', { weights: [1] }, 'INVALID_COMBINATION', /2 adapters \(a, b\).*given: 1/],
    ['a weight that is no number', { weights: [1, Number.NaN] }, 'INVALID_COMBINATION', /finite/],
    ['no density', { type: 'ties' }, 'INVALID_COMBINATION', /'ties' needs.*density.*not given/],
    ['a density of 0', { type: 'dare_linear_svd', density: 0 }, 'INVALID_COMBINATION', /it is 0/],
    ['a density that is not used', { type: 'cat', density: 0.5 }, 'INVALID_COMBINATION', /leave out density/],
    ['an election that is not held', { type: 'svd', election: 'total' }, 'INVALID_COMBINATION', /elects no signs/],
    ['a rank that is not used', { type: 'cat', rank: 4 }, 'INVALID_COMBINATION', /leave out rank/],
    ['a rank of 0', { rank: 0 }, 'INVALID_COMBINATION', /from 1, not 0/],
    ['a taken name', { name: 'a' }, 'ADAPTER_EXISTS', /'a'/],
    ['an unknown adapter', { adapters: ['a', 'x'] }, 'UNKNOWN_ADAPTER', /'x'.*It has: a, b/],
    ['different ranks', { type: 'linear' }, 'RANK_MISMATCH', /encoder\.first' a has rank 2 and b 1.*'cat'/],
    [
      'an update that is no product',
      { type: 'cat', adapters: ['a', 'd'] },
      'NOT_FACTORED',
      /encoder\.first' by d.*svd/,
    ],
    ['a rank that nothing tells', { adapters: ['d', 'a'] }, 'INVALID_COMBINATION', /no rank follows.*Give the rank/],
    ['a module trained whole', { adapters: ['a', 'h'] }, 'NOT_COMBINABLE', /'h' trains encoder\.second whole/],
    ['values that are not finite', { adapters: ['a', 'n'] }, 'NON_FINITE', /encoder\.first' by n/],
    [
      'nothing that makes factors',
      { adapters: ['d'], weights: [1], rank: 2 },
      'NO_FACTORED_METHOD',
      /'new'.*@loran\/lora/,
    ],
  ];
  test.each(cases)('%s', async (_, change, code, message) => {
    await addMoved('d', { rank: 2 }, ['first'], dense);
    await set.add({ method: lora, targetModules: [], modulesToSave: ['second'], name: 'h' });
    const n = await addMoved('n', { rank: 2 }, ['first']);
    for (const parameter of adapterParameters(n).values()) parameter.assign(tf.fill(parameter.shape, Number.NaN));
    set.activate('a', 'b');
    const [before, status, tensors] = [await outputs(), set.status(), tf.memory().numTensors];
    const attempt = combineAdapters(set, { ...both, ...change });
    await expect(attempt).rejects.toMatchObject({ code });
    await expect(attempt).rejects.toThrow(message);
    expect(await outputs()).toEqual(before);
    expect(set.status()).toEqual(status);
    expect(tf.memory().numTensors).toBe(tensors);
  });

  test('while adapters are merged', async () => {
    await set.merge();
    await expect(combineAdapters(set, both)).rejects.toMatchObject({ code: 'ALREADY_MERGED' });
  });

  test('other methods combine by their updates, given one that makes factors', async () => {
    await addMoved('d', { rank: 2 }, ['first'], dense);
    set.activate('d');
    const alone = await outputs();
    await combineAdapters(set, { adapters: ['d'], weights: [1], rank: 2, name: 'as lora', methods: [lora] });
    set.activate('as lora');
    (await outputs()).forEach((y, i) => expect(Math.abs(y - alone[i]!)).toBeLessThan(1e-5));
  });
});
