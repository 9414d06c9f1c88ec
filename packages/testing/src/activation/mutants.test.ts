/** The laws of activations, each tried on an activation that breaks it. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { openEngine, portableEngine } from '@loran/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import { plainActivation } from '../__fixtures__/plain-activation.js';
import { activationLaws, type ActivationLike } from './activation-laws.js';
import { describeActivation } from './describe-activation.js';

beforeAll(() => openEngine(portableEngine('cpu')));

const good = plainActivation();
describeActivation(good);

/** The activation with another instance. */
const instances = (
  change: (made: ReturnType<ActivationLike['instantiate']>) => Partial<ReturnType<ActivationLike['instantiate']>>,
): ActivationLike => ({
  ...good,
  instantiate: (options) => {
    const made = good.instantiate(options);
    return { ...made, ...change(made) };
  },
});
const shared = good.instantiate({ overrides: { a: { trainable: true } } });

const mutants: readonly { name: string; activation: ActivationLike; breaks: readonly string[] }[] = [
  { name: 'another kind', activation: { ...good, kind: 'dataset' }, breaks: ['says what it is'] },
  {
    name: 'cos, 1 at 0',
    activation: plainActivation((z, { a }) => tf.mul(a!, tf.cos(z)), null),
    breaks: ['has the stated value at 0, on which it depends whether an update starts at 0'],
  },
  {
    name: 'z², flat at 0',
    activation: plainActivation((z, { a }) => tf.mul(a!, tf.square(z)), null),
    breaks: ['has a finite slope at 0 that is not 0, so that an update can leave its start'],
  },
  {
    name: 'softmax, which looks at its neighbours',
    activation: plainActivation((z) => tf.softmax(tf.reshape(z, [-1]))),
    breaks: ['is elementwise and finite, for any shape'],
  },
  {
    name: '√z, NaN below 0',
    activation: plainActivation((z) => tf.sqrt(z)),
    breaks: ['is elementwise and finite, for any shape'],
  },
  {
    name: 'a gradient half as large',
    activation: instances((made) => ({
      apply: <T extends Tensor>(z: T) => {
        const halved = tf.customGrad((x) => ({
          value: made.apply(x as Tensor),
          gradFunc: (dy: Tensor) => tf.mul(dy, 0.5),
        }));
        return halved(z) as T;
      },
    })),
    breaks: ['its gradient equals finite differences'],
  },
  {
    name: 'a derivative without its factor',
    activation: plainActivation(undefined, (z) => tf.cos(z)),
    breaks: ['an explicit derivative equals the one that autodiff finds'],
  },
  {
    name: 'a parameter that does nothing',
    activation: plainActivation((z, { a }) => tf.add(tf.sin(z), tf.mul(a!, 0))),
    breaks: ['each parameter can be trained, with the gradient that differences give'],
  },
  {
    name: 'one parameter for all instances',
    activation: instances(() => ({ parameters: shared.parameters, dispose: () => {} })),
    breaks: ['instances share no parameters, and free them'],
  },
  {
    name: 'an instance that keeps its tensors',
    activation: instances(() => ({ dispose: () => {} })),
    breaks: ['instances share no parameters, and free them'],
  },
  {
    name: 'overrides that are not looked at',
    activation: { ...good, instantiate: () => good.instantiate() },
    breaks: ['refuses a parameter that it does not have'],
  },
];

describe.each(mutants)('$name', ({ activation, breaks }) => {
  const points = [-0.9, -0.06, 0.08, 1.3];
  const subject = { activation, valueAtZero: 0, points, step: 2e-3, parameterSteps: {}, tolerance: 1e-3 };
  test.each(breaks)('breaks: %s', async (name) => {
    await expect(Promise.resolve(subject).then(activationLaws[name])).rejects.toThrow();
  });
});

test('every law is broken by some mutant', () => {
  expect(Object.keys(activationLaws).sort()).toEqual([...new Set(mutants.flatMap(({ breaks }) => breaks))].sort());
});
