import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D, Tensor2D, Variable } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { adapterParameters, AdapterSet, bf16, fp32, frozenTensor, inference, Slot } from '@loran/adapter';
import { onnxruntime } from '@loran/engine-onnxruntime';
import { lora } from '@loran/lora';
import { closeEngine, openEngine, portableEngine, randomStream } from '@loran/tensor';
import { expectClose } from '@loran/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { headLosses, headScores, type OutputHead } from './head-loss.js';

const rows = 7;
const [vocabulary, width] = [11, 5];
const random = randomStream(3);

const headLoss = (head: OutputHead, hidden: Tensor2D, targets: Tensor1D, weights: Tensor1D, bytes?: number) =>
  tf.sum<tf.Scalar>(tf.mul(headLosses(head, hidden, targets, inference, bytes), weights));

/** By the definition: the scores whole, differentiated by tfjs. */
function plainLoss(head: OutputHead, hidden: Tensor2D, targets: Tensor1D, weights: Tensor1D): tf.Scalar {
  const chosen = tf.mul(tf.logSoftmax(headScores(head, hidden, inference)), tf.oneHot(targets, vocabulary));
  return tf.neg(tf.sum<tf.Scalar>(tf.mul(tf.sum(chosen, 1), weights)));
}

describe.each([
  ['cpu', portableEngine('cpu')],
  ['onnxruntime', onnxruntime],
] as const)('on %s', (_, engine) => {
  let hidden: Tensor2D;
  let targets: Tensor1D;
  let weights: Tensor1D;
  beforeAll(async () => {
    await openEngine(engine, { device: 'cpu' });
    hidden = random.derive('h').normal([rows, width], 0, 2) as Tensor2D;
    targets = tf.tensor1d([0, 10, 3, 3, 7, 1, 5], 'int32');
    weights = tf.tensor1d([1, 1, 0.5, 0, 1, 2, 1]);
  });
  afterAll(closeEngine);

  const headOf = (options: Partial<OutputHead> = {}): OutputHead => {
    const weight = random.derive('w').normal([vocabulary, width], 0, 1) as Tensor2D;
    return { slot: new Slot('head', frozenTensor(weight)), ...options };
  };

  test.each([
    ['plain', {}],
    ['scaled', { scale: 0.3 }],
    ['with a cap', { cap: 2 }],
    ['scaled, with a cap', { scale: 1.7, cap: 3 }],
  ])('%s: loss and gradient are those of the definition, whole or in chunks', async (_, options) => {
    const head = headOf(options);
    const expected = tf.valueAndGrad((h: tf.Tensor) => plainLoss(head, h as Tensor2D, targets, weights))(hidden);
    for (const bytes of [1e6, 4 * vocabulary * 3, 1]) {
      const given = tf.valueAndGrad((h: tf.Tensor) => headLoss(head, h as Tensor2D, targets, weights, bytes))(hidden);
      await expectClose(given.value, expected.value, { absolute: 1e-5, relative: 1e-5 });
      await expectClose(given.grad, expected.grad, { absolute: 1e-5, relative: 1e-5 });
    }
    head.slot.dispose();
  });

  test('a head in bf16 serves too', async () => {
    const values = Float32Array.from(await random.derive('w').normal([vocabulary, width], 0, 1).data<'float32'>());
    const source = {
      kind: 'linear' as const,
      path: 'head',
      rows: vocabulary,
      columns: width,
      bias: null,
      async *values() {
        yield values;
      },
    };
    const narrow = { slot: new Slot('head', await bf16.store(source)) };
    const wide = { slot: new Slot('head', frozenTensor(narrow.slot.frozen.weight())) };
    const [own, same] = [narrow, wide].map((head) =>
      tf.valueAndGrad((h: tf.Tensor) => headLoss(head, h as Tensor2D, targets, weights))(hidden),
    );
    await expectClose(own!.grad, same!.grad, { absolute: 1e-6, relative: 1e-6 });
    expect((await fp32.store(source)).byteLength).toBe(2 * narrow.slot.frozen.byteLength);
  });

  test('an adapter on the head gets its gradient', async () => {
    const head = headOf({ cap: 4 });
    const delta = random.derive('d').normal([vocabulary, width], 0, 0.5) as Tensor2D;
    const gradient = (loss: typeof plainLoss) =>
      tf.grad((d: tf.Tensor) => {
        head.slot.attach('probe', {
          parameters: new Map(),
          forward: (x, next) => next(x, d as Tensor2D),
          delta: () => ({}),
          dispose: () => {},
        });
        const value = loss(head, hidden, targets, weights);
        head.slot.detach('probe');
        return value;
      })(delta);
    const given = gradient((head, h, t, w) => headLoss(head, h, t, w, 4 * vocabulary * 2));
    await expectClose(given, gradient(plainLoss), { absolute: 1e-5, relative: 1e-5 });
  });

  test.each([
    ['plain, whole', {}, 1e6],
    ['in chunks', {}, 4 * vocabulary * 2],
    ['scaled, with a cap, in chunks', { scale: 0.7, cap: 4 }, 4 * vocabulary * 3],
  ])('a head that is trained whole gets its gradient: %s', async (_, options, bytes) => {
    const head = headOf(options);
    const adapters = new AdapterSet({ modules: () => new Map([['head', head.slot]]) });
    const adapter = await adapters.add({ method: lora, targetModules: [], modulesToSave: ['head'] });
    const weight = adapterParameters(adapter).get('head.weight') as Variable & Tensor2D;
    weight.assign(tf.mul(weight, 1.1));
    const gradients = (loss: typeof plainLoss) =>
      tf.valueAndGrads((h: tf.Tensor) => loss(head, h as Tensor2D, targets, weights))([hidden, weight]);
    const given = gradients((head, h, t, w) => headLoss(head, h, t, w, bytes));
    const expected = gradients(plainLoss);
    await expectClose(given.value, expected.value, { absolute: 1e-5, relative: 1e-5 });
    for (const [i, gradient] of given.grads.entries()) {
      await expectClose(gradient, expected.grads[i]!, { absolute: 1e-5, relative: 1e-5 });
    }
    adapters.remove('default');
    head.slot.dispose();
  });

  test('scores far apart neither overflow nor lose the loss', async () => {
    const head = headOf({ scale: 500 });
    const loss = headLoss(head, hidden, targets, weights);
    await expectClose(loss, plainLoss(head, hidden, targets, weights), { absolute: 1e-3, relative: 1e-5 });
  });
});
