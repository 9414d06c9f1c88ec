/** Other values for a LoRA adapter that is there: the model then computes what it would with the other adapter alone. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { adapterParameters, AdapterSet, frozenTensor, saveAdapter, Slot, swapAdapter } from '@loran/adapter';
import { openEngine, portableEngine, randomStream } from '@loran/tensor';
import { expectClose } from '@loran/testing';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { lora } from './lora.js';

let folder: string;
beforeAll(() => openEngine(portableEngine('cpu')));
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'loran-swap-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const random = (name: string, shape: number[]) => randomStream(1).derive(name).normal(shape, 0, 1);

/** An embedding and two products behind it. */
function model(fingerprint = 'sha256:1', width = 6) {
  const slots = [
    new Slot('embed', frozenTensor(random('embed', [9, 4]) as tf.Tensor2D, null, 'embedding')),
    new Slot('up', frozenTensor(random('up', [width, 4]) as tf.Tensor2D, random('bias', [width]) as tf.Tensor1D)),
    new Slot('down', frozenTensor(random('down', [4, width]) as tf.Tensor2D)),
  ];
  const run = () =>
    tf.tidy(() => slots.reduce<tf.Tensor>((x, slot) => slot.apply(x), tf.tensor1d([3, 0, 8], 'int32')).dataSync());
  return { set: new AdapterSet({ modules: () => new Map(slots.map((slot) => [slot.path, slot])), fingerprint }), run };
}

type Options = Partial<Parameters<AdapterSet['add']>[0]>;

async function withAdapter(values: string, config: object, options: Options & { fingerprint?: string } = {}) {
  const { fingerprint, ...rest } = options;
  const made = model(fingerprint);
  const adapter = await made.set.add({ targetModules: ['embed', 'up', 'down'], ...rest, config, method: lora });
  for (const [key, parameter] of adapterParameters(adapter)) {
    parameter.assign(random(`${values}.${key}`, parameter.shape));
  }
  return { ...made, adapter };
}

const cases: [string, object][] = [
  ['the same configuration', { rank: 3, alpha: 6 }],
  ['another alpha', { rank: 3, alpha: 1.5 }],
  ['a smaller rank, and so another scaling', { rank: 2, alpha: 6 }],
  ['rsLoRA', { rank: 3, alpha: 6, rsLora: true }],
  ['ranks of single modules', { rank: 3, alpha: 6, rankPattern: { up: 1 }, alphaPattern: { down: 4 } }],
];

test.each(cases)('%s: from a folder, and from an adapter', async (_, config) => {
  const other = await withAdapter('other', config);
  await saveAdapter(other.adapter, folder);
  for (const from of ['folder', 'adapter']) {
    const own = await withAdapter('own', { rank: 3, alpha: 6 }, { name: 'mine' });
    const variables = [...adapterParameters(own.adapter).values()];
    const before = own.run();
    const tensors = tf.memory().numTensors;
    if (from === 'folder') await swapAdapter(own.set, 'mine', folder, { methods: [lora] });
    else await own.set.swap('mine', other.adapter);
    expect(tf.memory().numTensors).toBe(tensors);
    expect([...adapterParameters(own.set.get('mine')).values()]).toEqual(variables);
    expect(own.set.get('mine').config).toMatchObject({ rank: 3, alpha: 6 }); // the graph's
    expect(own.run()).not.toEqual(before);
    await expectClose(own.run(), other.run(), { absolute: 1e-4 });
  }
});

test('a larger value in the padding is overwritten, and swapping back restores the first values', async () => {
  const [own, first] = [await withAdapter('own', { rank: 3 }), await withAdapter('own', { rank: 3 })];
  const before = own.run();
  await own.set.swap('default', (await withAdapter('other', { rank: 1 })).adapter);
  const B = own.adapter.layers.get('up')!.parameters.get('B')!;
  expect((await B.data()).filter((_, i) => i % 3 > 0)).toEqual(new Float32Array(12));
  await own.set.swap('default', first.adapter);
  expect(own.run()).toEqual(before);
});

test('modules trained whole come along', async () => {
  const options = { targetModules: ['up'], modulesToSave: ['down'] };
  const other = await withAdapter('other', { rank: 1 }, options);
  await saveAdapter(other.adapter, folder);
  const own = await withAdapter('own', { rank: 2 }, options);
  await swapAdapter(own.set, 'default', folder, { methods: [lora] });
  await expectClose(own.run(), other.run(), { absolute: 1e-4 });
});

test('with magnitudes, which are no product of factors, the configuration must be the same', async () => {
  const own = await withAdapter('own', { rank: 2, dora: true });
  const other = await withAdapter('other', { rank: 2, dora: true });
  await own.set.swap('default', other.adapter);
  expect(own.run()).toEqual(other.run());
  const alpha = await withAdapter('own', { rank: 2, dora: true, alpha: 3 });
  await expect(own.set.swap('default', alpha.adapter)).rejects.toMatchObject({
    code: 'NOT_SWAPPABLE',
    message: expect.stringMatching(/'alpha' is 8 here and 3 there.*name of their own/) as string,
  });
  expect(own.run()).toEqual(other.run());
});

test('another base of the same shapes gives a warning, which the next values take away', async () => {
  const own = await withAdapter('own', { rank: 2 });
  const foreign = await withAdapter('other', { rank: 2 }, { fingerprint: 'sha256:2' });
  await saveAdapter(foreign.adapter, folder, { baseModel: 'a/model' });
  await swapAdapter(own.set, 'default', folder, { methods: [lora] });
  expect(own.adapter.warnings).toEqual([expect.stringMatching(/trained on a\/model.*other weights/)]);
  await own.set.swap('default', (await withAdapter('other', { rank: 2 })).adapter);
  expect(own.adapter.warnings).toEqual([]);
  await own.set.swap('default', foreign.adapter);
  expect(own.adapter.warnings).toEqual([expect.stringMatching(/other weights/)]);
});

const refused: [string, object, Options, string, RegExp][] = [
  ['a larger rank', { rank: 3 }, {}, 'RANK_MISMATCH', /rank 2 at 'embed'.*rank 3.*largest rank first/],
  ['fewer modules', { rank: 2 }, { targetModules: ['up'] }, 'NOT_SWAPPABLE', /adapts 'embed'.*name of their own/],
  ['magnitudes', { rank: 2, dora: true }, {}, 'NOT_SWAPPABLE', /'dora' is false here and true there/],
  [
    'whole modules',
    { rank: 2 },
    { targetModules: ['embed', 'up'], modulesToSave: ['down'] },
    'NOT_SWAPPABLE',
    /'down'/,
  ],
];

test.each(refused)('%s: refused, and the model is as before', async (_, config, options, code, message) => {
  const other = await withAdapter('other', config, options);
  await saveAdapter(other.adapter, folder);
  const own = await withAdapter('own', { rank: 2 });
  const before = own.run();
  const tensors = tf.memory().numTensors;
  const error = { code, message: expect.stringMatching(message) as string };
  await expect(own.set.swap('default', other.adapter)).rejects.toMatchObject(error);
  await expect(swapAdapter(own.set, 'default', folder, { methods: [lora] })).rejects.toMatchObject(error);
  expect(tf.memory().numTensors).toBe(tensors);
  expect(own.run()).toEqual(before);
});

test('other shapes, another method, a merged adapter and an unknown name are refused', async () => {
  const own = await withAdapter('own', { rank: 2 });
  const before = own.run();
  const wide = await model('sha256:1', 7).set.add({
    method: lora,
    config: { rank: 2 },
    targetModules: ['embed', 'up', 'down'],
  });
  await expect(own.set.swap('default', wide)).rejects.toMatchObject({ code: 'SHAPE_MISMATCH' });
  const other = (await withAdapter('other', { rank: 2 })).adapter;
  const foreign = { ...other, method: { ...other.method, name: 'vera' } };
  await expect(own.set.swap('default', foreign)).rejects.toMatchObject({ code: 'NOT_SWAPPABLE' });
  await expect(own.set.swap('other', other)).rejects.toMatchObject({ code: 'UNKNOWN_ADAPTER' });
  await own.set.merge();
  await expect(own.set.swap('default', other)).rejects.toMatchObject({
    code: 'ALREADY_MERGED',
    message: expect.stringMatching(/Call unmerge\(\) first/) as string,
  });
  own.set.unmerge();
  expect(own.run()).toEqual(before);
});
