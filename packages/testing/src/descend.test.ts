/** AdamW against torch.optim.AdamW: lr 0.1, weight decay 0.05, loss Σ (θ − [1, −2, 3])²·[1, 10, 0.1] from [0.5, 0.5, 0.5]. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { openEngine, portableEngine, variable } from '@loran/tensor';
import { beforeAll, expect, test } from 'vitest';
import { descend } from './descend.js';
import { expectClose } from './expect-close.js';
import { finiteDifferences } from './finite-differences.js';

beforeAll(() => openEngine(portableEngine('cpu')));

const loss = (theta: Tensor): Scalar =>
  tf.tidy(() => tf.sum<Scalar>(tf.mul(tf.square(tf.sub(theta, [1, -2, 3])), [1, 10, 0.1])));

test('takes the steps of torch', async () => {
  const theta = variable(tf.tensor1d([0.5, 0.5, 0.5]));
  const seen: number[] = [];
  const losses = await descend(() => loss(theta), [theta], {
    steps: 3,
    learningRate: 0.1,
    weightDecay: 0.05,
    onStep: (_, step) => void seen.push(step),
  });
  await expectClose(theta, [0.7864068, 0.1945215, 0.7905818]);
  await expectClose(losses, [63.375, 58.219273, 53.325401]);
  expect(seen).toEqual([0, 1, 2]);
});

test('differences find the gradient, and put the variable back', async () => {
  const theta = variable(tf.tensor1d([0.5, 0.5, 0.5]));
  const at = async () => {
    const value = loss(theta);
    const [number = NaN] = await value.data<'float32'>();
    value.dispose();
    return number;
  };
  await expectClose(await finiteDifferences(at, theta), [-1, 50, -0.5], { absolute: 1e-2 });
  await expectClose(theta, [0.5, 0.5, 0.5], { absolute: 0, relative: 0 });
});
