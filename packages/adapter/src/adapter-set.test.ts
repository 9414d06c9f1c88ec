import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { openEngine, portableEngine, randomStream } from '@loran/tensor';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { adapterParameters } from './adapter.js';
import { AdapterSet } from './adapter-set.js';
import { formatParameterCount } from './parameter-count.js';
import { Slot } from './slot.js';
import { bf16 } from './storage/bf16.js';
import { frozenTensor } from './storage/fp32.js';
import { dora } from './__fixtures__/trials/dora.js';
import { ia3 } from './__fixtures__/trials/ia3.js';
import { pissa } from './__fixtures__/trials/pissa.js';

beforeAll(() => openEngine(portableEngine('cpu')));

const random = randomStream(1);
let set: AdapterSet;
let first: Slot;
let head: Slot;
const x = () => random.derive('x').normal([3, 4], 0, 1);
const run = (): Tensor => tf.tidy(() => head.apply(tf.tanh(first.apply(x()))));
const values = async (tensor: Tensor) => [...(await tensor.data())];

beforeEach(() => {
  first = new Slot('encoder.first', frozenTensor(random.derive('a').normal([5, 4], 0, 1) as Tensor2D));
  const bias = random.derive('b').normal([2], 0, 1) as Tensor1D;
  head = new Slot('head', frozenTensor(random.derive('h').normal([2, 5], 0, 1) as Tensor2D, bias));
  set = new AdapterSet({
    modules: () => new Map([first, head].map((slot) => [slot.path, slot])),
    outputHead: ['head'],
    otherParameters: 10,
  });
});

async function addMoved(name: string, by: number) {
  const adapter = await set.add({ method: ia3, targetModules: ['first'], name });
  for (const parameter of adapterParameters(adapter).values()) parameter.assign(tf.add(parameter, by));
  return adapter;
}

describe('several adapters', () => {
  test('form a chain, and each alone gives what it gave alone', async () => {
    await addMoved('double', 1); // l = 2
    const double = await values(first.apply(x()));
    await addMoved('triple', 2); // l = 3
    const both = await values(first.apply(x()));
    expect(both).toEqual(double.map((y) => Math.fround(y * 3)));
    set.activate('double');
    expect(await values(first.apply(x()))).toEqual(double);
    set.activate();
    const base = await values(first.apply(x()));
    set.remove('double');
    set.remove('triple');
    expect(await values(first.apply(x()))).toEqual(base);
  });

  test('a taken name, an unknown name and a replaced base are refused', async () => {
    await addMoved('one', 1);
    await expect(addMoved('one', 1)).rejects.toMatchObject({ code: 'ADAPTER_EXISTS' });
    expect(() => set.activate('two')).toThrow(/no adapter called 'two'.*It has: one/);
    await expect(set.add({ method: pissa, targetModules: ['first'], name: 'p' })).rejects.toMatchObject({
      code: 'BASE_IN_USE',
    });
    expect(set.names()).toEqual(['one']);
    expect(await values(first.apply(x()))).not.toContain(Number.NaN);
  });

  test('a failed addition leaves the model as it was', async () => {
    const before = await values(run());
    const broken = {
      ...dora,
      create: (...args: Parameters<typeof dora.create>) => (args[2].path === 'head' ? fail() : dora.create(...args)),
    };
    const fail = () => {
      throw new Error('no room');
    };
    await expect(set.add({ method: broken, targetModules: ['first', 'head'] })).rejects.toThrow('no room');
    expect(await values(run())).toEqual(before);
    expect(first.active().size).toBe(0);
  });
});

describe('modulesToSave', () => {
  test('trains a copy of the head, its bias included, and gives the old one back', async () => {
    const base = await values(run());
    const adapter = await set.add({ method: ia3, targetModules: ['first'], modulesToSave: ['head'] });
    expect([...adapterParameters(adapter).keys()]).toEqual(['encoder.first.factor', 'head.weight', 'head.bias']);
    expect(await values(run())).toEqual(base);
    adapterParameters(adapter)
      .get('head.bias')
      ?.assign(tf.tensor1d([100, 200]));
    const trained = await values(run());
    expect(trained[1]).toBeGreaterThan(100);
    await set.merge();
    (await values(run())).forEach((y, i) => expect(y).toBeCloseTo(trained[i] ?? Number.NaN, 3));
    set.unmerge();
    set.activate();
    expect(await values(run())).toEqual(base);
  });

  test('alone make a linear probe', async () => {
    const adapter = await set.add({ method: ia3, targetModules: [], modulesToSave: ['head'] });
    expect([...adapterParameters(adapter).keys()]).toEqual(['head.weight', 'head.bias']);
    await expect(set.add({ method: ia3, targetModules: [], name: 'nothing' })).rejects.toMatchObject({
      code: 'TARGET_MODULES_NOT_FOUND',
    });
  });

  test('an unknown module is refused', async () => {
    await expect(set.add({ method: ia3, targetModules: ['first'], modulesToSave: ['pooler'] })).rejects.toThrow(
      /'pooler'/,
    );
  });
});

test('the parameters are counted and printed as PEFT does', async () => {
  await set.add({ method: dora, config: { rank: 3 }, targetModules: ['first'], modulesToSave: ['head'] });
  const trainable = 3 * (4 + 5) + 5 + (2 * 5 + 2);
  const all = 10 + 5 * 4 + (2 * 5 + 2) + trainable;
  expect(set.count()).toEqual({ trainable, all });
  expect(formatParameterCount({ trainable: 1_064_454, all: 56_467_974 })).toBe(
    'trainable params: 1,064,454 || all params: 56,467,974 || trainable%: 1.8851',
  );
});

test('the scale at run time multiplies the update', async () => {
  const adapter = await set.add({ method: dora, targetModules: ['head'] });
  expect(adapter.scale).toBe(1);
  adapter.scale = 0.5;
  expect(adapter.scale).toBe(0.5);
});

describe('merging', () => {
  test('refuses weights that are not finite, and merges nothing', async () => {
    const adapter = await set.add({ method: ia3, targetModules: ['first'] });
    adapterParameters(adapter)
      .get('encoder.first.factor')
      ?.assign(tf.fill([5], Number.NaN));
    await expect(set.merge()).rejects.toMatchObject({ code: 'NON_FINITE' });
    expect(first.merged).toBe(false);
  });

  test('keeps the storage on request, and says what rounding that cost', async () => {
    const source = {
      kind: 'linear' as const,
      path: 'bf16',
      rows: 4,
      columns: 4,
      bias: null,
      async *values() {
        yield Float32Array.from({ length: 16 }, (_, i) => Math.sin(i));
      },
    };
    const slot = new Slot('bf16', await bf16.store(source));
    const over = new AdapterSet({ modules: () => new Map([['bf16', slot]]) });
    const adapter = await over.add({ method: ia3, targetModules: ['bf16'] });
    adapterParameters(adapter)
      .get('bf16.factor')
      ?.assign(tf.tensor1d([1.1, 1.2, 1.3, 1.4]));
    const adapted = await values(slot.apply(tf.eye(4)));
    const exact = { largest: 0, relative: 0, ofUpdate: 0 };
    expect(await over.merge()).toEqual({ modules: new Map([['bf16', exact]]), worst: exact });
    (await values(slot.apply(tf.eye(4)))).forEach((y, i) => expect(y).toBeCloseTo(adapted[i] ?? Number.NaN, 6));
    over.unmerge();
    const { modules, worst } = await over.merge({ requantise: true });
    expect(worst).toEqual(modules.get('bf16'));
    const stored = await values(slot.apply(tf.eye(4)));
    const [base, merged] = [await values(slot.frozen.apply(tf.eye(4))), adapted];
    const norm = (x: number[]) => Math.hypot(...x);
    const difference = (x: number[], y: number[]) => x.map((value, i) => value - y[i]!);
    const error = difference(merged, stored);
    expect(worst.largest).toBeGreaterThan(0);
    expect(worst.largest).toBeCloseTo(Math.max(...error.map(Math.abs)), 6);
    expect(worst.relative).toBeCloseTo(norm(error) / norm(merged), 6);
    expect(worst.ofUpdate).toBeCloseTo(norm(error) / norm(difference(merged, base)), 5);
    expect(slot.mergedWeight?.storage).toBe('bf16');
  });

  test('keeps another storage on request; not two at once', async () => {
    const adapter = await set.add({ method: ia3, targetModules: ['first'], modulesToSave: ['head'] });
    adapterParameters(adapter)
      .get('encoder.first.factor')
      ?.assign(tf.tensor1d([1.1, 1.2, 1.3, 1.4, 1.5]));
    const adapted = await values(run());
    await expect(set.merge({ requantise: true, storage: bf16 })).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
    const { modules, worst } = await set.merge({ storage: bf16 });
    expect([...modules.keys()]).toEqual([first.path, head.path]);
    expect(worst.relative).toBeGreaterThan(0);
    expect(worst.relative).toBeLessThan(2 ** -8);
    expect(first.mergedWeight?.storage).toBe('bf16');
    expect(head.mergedWeight?.bias).not.toBeNull();
    (await values(run())).forEach((y, i) => expect(y).toBeCloseTo(adapted[i]!, 1));
  });
});

describe('configuration', () => {
  test('is checked, field by field', async () => {
    await expect(set.add({ method: dora, config: { rank: 0 }, targetModules: ['first'] })).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringMatching(/'dora'.*rank/) as string,
    });
  });

  test('target modules that match nothing list what the model has', async () => {
    await expect(set.add({ method: dora, targetModules: ['frist'] })).rejects.toThrow(
      /'frist'.*has 'first', 'head'.*Did you mean 'first'/,
    );
  });
});

describe('Conv1D layers', () => {
  const conv1d = new Set(['encoder.first']);
  const mixed = () =>
    new AdapterSet({ modules: () => new Map([first, head].map((slot) => [slot.path, slot])), conv1d });

  test('an adapter knows whether all its linear modules are such layers', async () => {
    const only = await mixed().add({ method: ia3, targetModules: ['first'], name: 'only' });
    const both = await mixed().add({ method: ia3, targetModules: ['first', 'head'], name: 'both' });
    expect([only.conv1d, both.conv1d]).toEqual([true, false]);
  });

  test('one that is trained whole keeps the layout of its class, and computes the same', async () => {
    const before = await values(run());
    const { savedModules } = await mixed().add({ method: ia3, targetModules: [], modulesToSave: ['first'] });
    const layer = savedModules.get('encoder.first')!;
    expect(layer.parameters.get('weight')?.shape).toEqual([4, 5]); // [in, out]
    expect(await values(run())).toEqual(before);
    layer.parameters.get('weight')!.assign(tf.ones([4, 5]));
    const change = tf.tidy(() => tf.sub(tf.ones([5, 4]), first.frozen.weight()));
    expect(await values(layer.delta().weight!)).toEqual(await values(change));
  });
});
