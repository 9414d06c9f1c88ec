/** A whole training step in small: losses, gradients and optimisers against tfjs's cpu backend and finite differences. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { closeEngine, openEngine, portableEngine } from '@loran/tensor';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { initial, loss, parameterTensors } from './__fixtures__/small-transformer.js';
import { createOnnxruntimeEngine } from './engine.js';
import type { RunRecord } from './backend/run-record.js';

const engine = createOnnxruntimeEngine({ log: () => undefined });
const names = Object.keys(initial);

interface Outcome {
  readonly loss: number;
  readonly gradients: readonly Float32Array[];
}

async function outcome(): Promise<Outcome> {
  const parameters = parameterTensors();
  const { value, grads } = tf.valueAndGrads((...tensors: tf.Tensor[]) =>
    loss(Object.fromEntries(names.map((name, i) => [name, tensors[i] as tf.Tensor]))),
  )(names.map((name) => parameters[name] as tf.Tensor));
  return {
    loss: (await value.data())[0] ?? NaN,
    gradients: await Promise.all(grads.map((gradient) => gradient.data<'float32'>())),
  };
}

let onCpu: Outcome;
let lossesOnCpu: number[];
beforeAll(async () => {
  await openEngine(portableEngine('cpu'));
  onCpu = await outcome();
  lossesOnCpu = (await train()).losses;
  await openEngine(engine);
});
afterAll(closeEngine);

/** Five steps of tfjs's own Adam on the parameters. */
async function train(): Promise<{ losses: number[]; parameters: tf.Tensor[] }> {
  const variables = Object.fromEntries(
    Object.entries(parameterTensors()).map(([name, tensor]) => [name, tf.variable(tensor)]),
  );
  const optimizer = tf.train.adam(0.05);
  const losses: number[] = [];
  for (let step = 0; step < 5; step++) {
    const value = optimizer.minimize(() => loss(variables), true) as tf.Scalar;
    losses.push((await value.data())[0] ?? NaN);
    value.dispose();
  }
  optimizer.dispose();
  return { losses, parameters: Object.values(variables) };
}

test('loss and gradients are those of the cpu backend', async () => {
  const here = await outcome();
  expect(here.loss).toBeCloseTo(onCpu.loss, 6);
  here.gradients.forEach((gradient, i) => {
    const expected = onCpu.gradients[i] ?? new Float32Array();
    const difference = Math.max(...gradient.map((value, j) => Math.abs(value - (expected[j] ?? NaN))));
    expect(difference).toBeLessThan(2e-6);
    expect(Math.max(...gradient.map(Math.abs))).toBeGreaterThan(1e-3); // there is something to compare
  });
});

test('gradients are those of finite differences', async () => {
  const { gradients } = await outcome();
  const step = 1e-2;
  for (const [i, name] of names.entries()) {
    for (const position of [0, 5, 11]) {
      const [up, down] = await Promise.all([shifted(name, position, step), shifted(name, position, -step)]);
      expect(((up as number) - (down as number)) / (2 * step)).toBeCloseTo(gradients[i]?.[position] ?? NaN, 3);
    }
  }
});

async function shifted(name: string, position: number, by: number): Promise<number> {
  const changed = { ...initial };
  const parameter = initial[name] as (typeof initial)[string];
  changed[name] = { ...parameter, values: parameter.values.map((value, i) => (i === position ? value + by : value)) };
  const value = tf.tidy(() => loss(parameterTensors(changed)));
  const [number = NaN] = await value.data();
  value.dispose();
  return number;
}

test("tfjs's own Adam gives the losses of the cpu backend, and compiles twice", async () => {
  const runs: RunRecord[] = [];
  const stop = engine.observe((record) => runs.push(record));
  const { losses } = await train();
  stop();
  losses.forEach((value, i) => expect(value).toBeCloseTo(lossesOnCpu[i] ?? NaN, 5));
  expect(losses.at(-1)).toBeLessThan((losses[0] ?? NaN) * 0.9);
  expect(runs.filter(({ compiled }) => compiled)).toHaveLength(2); // the first step makes the optimiser's slots
});

test('the same step gives the same bits', async () => {
  const [first, second] = [await outcome(), await outcome()];
  expect(second).toEqual(first);
});
