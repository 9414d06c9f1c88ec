/** An embedding and the output head that is its own weight, trained whole: as one, or each for itself. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Variable } from '@tensorflow/tfjs-core';
import { openEngine, portableEngine, randomStream } from '@loran/tensor';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { adapterParameters } from './adapter.js';
import { AdapterSet } from './adapter-set.js';
import { staysTied } from './saved-module.js';
import { Slot } from './slot.js';
import { frozenTensor } from './storage/fp32.js';
import { ia3 } from './__fixtures__/trials/ia3.js';

beforeAll(() => openEngine(portableEngine('cpu')));

let words: Slot;
let head: Slot;
let set: AdapterSet;
const ids = () => tf.tensor1d([0, 2, 2], 'int32');
const run = () => head.apply(tf.tanh(words.apply(ids())));
const names = ['embed_tokens', 'lm_head'];

beforeEach(() => {
  const weight = randomStream(5).normal([4, 3], 0, 1) as Tensor2D;
  words = new Slot('model.embed_tokens', frozenTensor(weight, null, 'embedding'));
  head = new Slot('lm_head', frozenTensor(tf.clone(weight)));
  set = new AdapterSet({
    modules: () => new Map([words, head].map((slot) => [slot.path, slot])),
    outputHead: ['lm_head'],
    tied: new Map([['lm_head', 'model.embed_tokens']]),
  });
});

test.each([[names], [['embed_tokens']]])(
  '%j with ensureWeightTying: one weight, with the gradients of both uses',
  async (modulesToSave) => {
    const adapter = await set.add({ method: ia3, targetModules: [], modulesToSave, ensureWeightTying: true });
    expect([...adapterParameters(adapter).keys()]).toEqual(['model.embed_tokens.weight']);
    expect(set.count().trainable).toBe(12);
    expect(staysTied(head, words)).toBe(true);
    const weight = adapterParameters(adapter).get('model.embed_tokens.weight') as Variable & Tensor2D;
    const given = tf.grad(() => tf.sum(run()))(weight);
    const expected = tf.grad((w: tf.Tensor) =>
      tf.sum(tf.matMul(tf.tanh(tf.gather(w as Tensor2D, ids())), w as Tensor2D, false, true)),
    )(weight);
    expect([...(await given.data())]).toEqual(
      [...(await expected.data())].map((value) => expect.closeTo(value, 5) as number),
    );
    weight.assign(tf.tidy(() => tf.mul(weight, 2)));
    expect(await head.apply(tf.eye(3)).data()).toEqual(await tf.transpose(weight).data());
    set.remove('default');
    expect(weight.isDisposed).toBe(true);
  },
);

test('without it each has a copy of its own, or only the one that is named', async () => {
  await set.add({ method: ia3, targetModules: [], modulesToSave: names });
  expect(set.count().trainable).toBe(24);
  expect(staysTied(head, words)).toBe(false);
  set.remove('default');
  expect(staysTied(head, words)).toBe(true);
  await set.add({ method: ia3, targetModules: [], modulesToSave: ['embed_tokens'] });
  expect(head.active().size).toBe(0);
});

test('an adapter on the shared weight itself is refused with it', () =>
  expect(set.add({ method: ia3, targetModules: ['lm_head'], ensureWeightTying: true })).rejects.toMatchObject({
    code: 'TIED_TARGETS',
  }));
