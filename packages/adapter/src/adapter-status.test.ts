import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { openEngine, portableEngine, randomStream } from '@loran/tensor';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { adapterParameters } from './adapter.js';
import { AdapterSet } from './adapter-set.js';
import { formatAdapterStatus } from './adapter-status.js';
import { Slot } from './slot.js';
import { frozenTensor } from './storage/fp32.js';
import { dora } from './__fixtures__/trials/dora.js';
import { ia3 } from './__fixtures__/trials/ia3.js';
import { pissa } from './__fixtures__/trials/pissa.js';

beforeAll(() => openEngine(portableEngine('cpu')));

let set: AdapterSet;
let slots: Map<string, Slot>;
const random = randomStream(3);
const outputs = async () => {
  const x = random.derive('x').normal([3, 4], 0, 1);
  return [...(await tf.tidy(() => slots.get('head')!.apply(tf.tanh(slots.get('first')!.apply(x)))).data())];
};

beforeEach(() => {
  const weight = (shape: [number, number]) => frozenTensor(random.derive(shape[0]).normal(shape, 0, 1) as Tensor2D);
  slots = new Map(
    [new Slot('first', weight([5, 4])), new Slot('head', weight([2, 5]))].map((slot) => [slot.path, slot]),
  );
  set = new AdapterSet({ modules: () => slots });
});

async function addMoved(name: string) {
  const adapter = await set.add({ method: ia3, targetModules: ['first'], name });
  for (const parameter of adapterParameters(adapter).values()) parameter.assign(tf.add(parameter, 0.5));
  return adapter;
}

describe('status', () => {
  test('says of each adapter what it is, where it is, and what it does now', async () => {
    expect(set.status()).toEqual([]);
    await set.add({ method: dora, config: { rank: 1 }, targetModules: ['first'], modulesToSave: ['head'], name: 'a' });
    (await addMoved('b')).scale = 0.5;
    set.activate('b');
    const [a, b] = set.status();
    expect(a).toMatchObject({ name: 'a', method: 'dora', config: { rank: 1, alpha: 4 }, active: false, merged: false });
    expect(a).toMatchObject({ modules: ['first'], savedModules: ['head'], trainable: 4 + 5 + 5 + 10, scale: 1 });
    expect(b).toMatchObject({ modules: ['first'], savedModules: [], active: true, scale: 0.5, trainable: 5 });
    slots.get('head')!.activate(new Set(['a']));
    expect(set.status()[0]!.active).toBe('partly');
    await set.merge();
    expect(set.status().map(({ merged }) => merged)).toEqual([true, true]); // partly active, partly merged
    set.unmerge();
    expect(set.status().map(({ merged }) => merged)).toEqual([false, false]);
  });

  test('as a table', async () => {
    expect(formatAdapterStatus(set.status())).toBe('No adapters.');
    const a = await set.add({ method: dora, config: { rank: 1 }, targetModules: ['first'], modulesToSave: ['head'] });
    a.scale = tf.scalar(2);
    await addMoved('other');
    set.activate('other');
    await set.merge();
    expect(formatAdapterStatus(set.status()).split('\n')).toEqual([
      'adapter  method  configuration    modules      state   trainable  scale',
      'default  dora    rank 1, alpha 4  1 + 1 whole  off     24         a tensor',
      'other    ia3     rank 2, alpha 4  1            merged  5          1',
    ]);
  });
});

describe('removing', () => {
  test('an adapter that is active beside others is refused, and the model goes on as before', async () => {
    await addMoved('a');
    await addMoved('b');
    const before = await outputs();
    expect(() => set.remove('a')).toThrow(/'a' is active, and the model also has b\..*activate\('b'\)/);
    expect(() => set.remove('c')).toThrow(/no adapter called 'c'/);
    expect(await outputs()).toEqual(before);
    expect(set.names()).toEqual(['a', 'b']);
    set.activate('b');
    const alone = await outputs();
    set.remove('a');
    expect(await outputs()).toEqual(alone);
  });

  test('the last adapter leaves the base model, active or not', async () => {
    const base = await outputs();
    await addMoved('only');
    expect(await outputs()).not.toEqual(base);
    set.remove('only');
    expect(await outputs()).toEqual(base);
  });

  test('a merged adapter is refused, by the names of those that are merged', async () => {
    await addMoved('a');
    await addMoved('b');
    set.activate('b');
    await set.merge();
    const before = await outputs();
    for (const name of ['a', 'b']) expect(() => set.remove(name)).toThrow(/remove '.' while adapters are merged \(b\)/);
    expect(await outputs()).toEqual(before);
    set.unmerge();
    set.remove('b', { force: true });
    expect(set.names()).toEqual(['a']);
  });

  test('an adapter on whose weights others build is refused; clear takes them off in the right order', async () => {
    const base = await outputs();
    await set.add({ method: pissa, targetModules: ['first'], name: 'principal' });
    await addMoved('above');
    const before = await outputs();
    expect(set.status()[0]!.replaces).toEqual(['first']);
    expect(() => set.remove('principal', { force: true })).toThrow(/'principal' replaced.*'first'.*Remove above first/);
    expect(await outputs()).toEqual(before);
    await set.merge();
    set.clear();
    expect(set.names()).toEqual([]);
    expect(await outputs()).toEqual(base);
  });
});
