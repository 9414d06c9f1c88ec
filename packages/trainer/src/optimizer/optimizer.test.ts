import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Variable } from '@tensorflow/tfjs-core';
import { openEngine, portableEngine, variable } from '@loran/tensor';
import { beforeAll, expect, test } from 'vitest';
import { golden } from '../__fixtures__/golden.js';
import { adamW } from './adamw.js';
import type { Optimizer } from './optimizer.js';
import { sgd } from './sgd.js';

beforeAll(async () => {
  await openEngine(portableEngine('cpu'));
});

const tensors = (values: Readonly<Record<string, readonly number[]>>) =>
  new Map(Object.entries(values).map(([name, row]) => [name, tf.tensor([...row], golden.shapes[name])]));

const parametersOf = (values: Readonly<Record<string, readonly number[]>>) =>
  new Map([...tensors(values)].map(([name, tensor]) => [name, variable(tensor) as Variable]));

/** Largest |ours - torch's|, relative above 1, over all parameters and steps of a golden case, checked for memory on the way. */
async function largestDifference(optimizer: Optimizer, trace: (typeof golden.adamw)[number]['trace']): Promise<number> {
  const parameters = parametersOf(golden.initial);
  optimizer.start(parameters);
  const alive = tf.memory().numTensors;
  let worst = 0;
  for (const [i, expected] of trace.entries()) {
    const gradients = tensors(golden.gradients[i]!);
    optimizer.step(gradients, { step: i + 1, learningRate: golden.rates[i]! });
    tf.dispose([...gradients.values()]);
    expect(tf.memory().numTensors).toBe(alive);
    for (const [name, parameter] of parameters) {
      const values = await parameter.data();
      expected[name]!.forEach(
        (value, k) => (worst = Math.max(worst, Math.abs(value - values[k]!) / Math.max(1, Math.abs(value)))),
      );
    }
  }
  optimizer.dispose();
  tf.dispose([...parameters.values()]);
  return worst;
}

test.each(golden.adamw)("AdamW $options moves parameters as torch's for 20 steps", async ({ options, trace }) => {
  expect(trace).toHaveLength(20);
  expect(await largestDifference(adamW(options), trace)).toBeLessThanOrEqual(1e-6);
});

test.each(golden.sgd)("SGD $options moves parameters as torch's for 20 steps", async ({ options, trace }) => {
  expect(await largestDifference(sgd(options), trace)).toBeLessThanOrEqual(1e-6);
});

test.each([
  ['adamw', () => adamW(), ['A.firstMoment', 'A.secondMoment', 'B.firstMoment', 'B.secondMoment']],
  ['sgd', () => sgd({ momentum: 0.9 }), ['A.momentum', 'B.momentum']],
] as const)('%s: what state() names is all that a resumed training needs', async (_, make, names) => {
  const run = async (interrupted: boolean) => {
    const parameters = parametersOf(golden.initial);
    let optimizer = make();
    optimizer.start(parameters);
    for (let step = 1; step <= 6; step++) {
      if (interrupted && step === 4) {
        const saved = new Map([...optimizer.state()].map(([name, state]) => [name, state.arraySync()]));
        optimizer.dispose();
        optimizer = make();
        optimizer.start(parameters);
        for (const [name, state] of optimizer.state()) tf.tidy(() => state.assign(tf.tensor(saved.get(name)!)));
      }
      const gradients = tensors(golden.gradients[step]!);
      optimizer.step(gradients, { step, learningRate: 0.01 });
    }
    expect([...optimizer.state().keys()]).toEqual(names);
    return Promise.all([...parameters.values()].map((parameter) => parameter.array()));
  };
  expect(await run(true)).toEqual(await run(false));
});

test('the same operations run in the first step as in a later one', () => {
  const parameters = parametersOf(golden.initial);
  const optimizer = adamW();
  optimizer.start(parameters);
  const kernelsOf = async (step: number) => {
    const gradients = tensors(golden.gradients[step]!);
    const { kernels } = await tf.profile(() => {
      optimizer.step(gradients, { step, learningRate: 0.1 / step });
    });
    return kernels.map(({ name, inputShapes }) => [name, inputShapes]);
  };
  return kernelsOf(1).then(async (first) => {
    expect(first.length).toBeGreaterThan(20);
    expect(await kernelsOf(2)).toEqual(first);
  });
});

test('one optimizer trains one set of parameters at a time', () => {
  const parameters = parametersOf(golden.initial);
  const optimizer = adamW();
  expect(() => {
    optimizer.step(tensors(golden.gradients[0]!), { step: 1, learningRate: 1 });
  }).toThrow(/start\(parameters\)/);
  optimizer.start(parameters);
  expect(() => {
    optimizer.start(parameters);
  }).toThrow(/already trains other parameters/);
  expect(() => {
    optimizer.step(new Map(), { step: 1, learningRate: 1 });
  }).toThrow(/no gradient for 'A'; it got none/);
  optimizer.dispose();
  optimizer.start(parameters);
  expect(optimizer.state().size).toBe(4);
});

test.each([
  [() => adamW({ betas: [0.9, 1] }), 'betas is 1. Expected two numbers from 0 to below 1.'],
  [() => adamW({ epsilon: -1 }), 'epsilon is -1.'],
  [() => adamW({ weightDecay: Number.NaN }), 'weightDecay is NaN.'],
  [() => sgd({ momentum: 1 }), 'momentum is 1.'],
  [() => sgd({ nesterov: true }), 'nesterov is true. Expected false where there is no momentum.'],
])('a setting out of range is named', (make, message) => {
  expect(make).toThrow(message);
  expect(make).toThrow(expect.objectContaining({ code: 'TRAINING_OPTION' }));
});
