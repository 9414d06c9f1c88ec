import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { AdapterSet, fp32, frozenTensor, Slot } from '@loran/adapter';
import { openEngine, portableEngine } from '@loran/tensor';
import { describeAdapterMethod, tinyModel } from '@loran/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { ia3 } from './ia3.js';

beforeAll(() => openEngine(portableEngine('cpu')));

describeAdapterMethod(ia3, {
  configs: {
    'of outputs': {},
    'of inputs': { feedforwardModules: '.*' },
    'of both': { feedforwardModules: ['second'] },
  },
  parameterCount: ({ feedforwardModules }, { rows, columns, biased }) =>
    feedforwardModules === '.*' || (feedforwardModules.length > 0 && !biased) ? columns : rows, // 'second' has no bias
  startsFrom: 'constants',
});

test('several at once multiply their factors, merged and unmerged', async () => {
  const slot = new Slot('dense', frozenTensor(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor1d([1, 2])));
  const set = new AdapterSet({ modules: () => new Map([['dense', slot]]) });
  for (const [name, feedforwardModules, values] of [
    ['outputs', [], [2, 3]],
    ['more', [], [5, 7]],
    ['inputs', ['dense'], [11, 13]],
  ] as const) {
    const adapter = await set.add({ method: ia3, config: { feedforwardModules }, targetModules: ['dense'], name });
    const l = adapter.layers.get('dense')!.parameters.get('l')!;
    l.assign(tf.tensor(values, l.shape));
  }
  const expected = [10 * (11 + 2 * 13 + 1), 21 * (3 * 11 + 4 * 13 + 2)];
  const y = async () => [...(await slot.apply(tf.tensor1d([1, 1])).data())];
  expect(await y()).toEqual(expected);
  await set.merge();
  expect(await y()).toEqual(expected);
});

describe('modules', () => {
  test.each([
    ['classifier', ['first'], 'FEEDFORWARD_NOT_FOUND'],
    ['classifier', 'encoder.*', 'FEEDFORWARD_NOT_FOUND'],
    ['classifier', '(', 'INVALID_CONFIG'],
    ['tokens', [], 'UNSUPPORTED_MODULE'],
  ])('on %s with inputs of %j: %s', async (target, feedforwardModules, code) => {
    const model = await tinyModel({ storage: fp32 });
    const before = [...(await model.run().data())];
    const set = new AdapterSet(model);
    await expect(
      set.add({ method: ia3, config: { feedforwardModules }, targetModules: [target] }),
    ).rejects.toMatchObject({ code });
    expect([...(await model.run().data())]).toEqual(before);
  });
});
