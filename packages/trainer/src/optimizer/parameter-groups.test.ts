import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { openEngine, portableEngine, variable } from '@loran/tensor';
import { beforeAll, expect, test } from 'vitest';
import { loraPlusGolden as golden } from '../__fixtures__/lora-plus.js';
import { adamW } from './adamw.js';
import { loraPlus } from './lora-plus.js';
import { parameterGroups } from './parameter-groups.js';
import { sgd } from './sgd.js';

beforeAll(async () => {
  await openEngine(portableEngine('cpu'));
});

const ones = (...names: readonly string[]) => new Map(names.map((name) => [name, variable(tf.ones([2]))]));

test.each(golden.cases)("LoRA+ $options moves parameters as PEFT's for 12 steps", async ({ options, trace }) => {
  const shaped = (values: Readonly<Record<string, readonly number[]>>) =>
    new Map(Object.entries(values).map(([name, row]) => [name, tf.tensor([...row], golden.shapes[name])]));
  const parameters = new Map([...shaped(golden.initial)].map(([name, tensor]) => [name, variable(tensor)]));
  const optimizer = loraPlus({
    ratio: options.loraplus_lr_ratio,
    embeddingRatio: (options.loraplus_lr_embedding ?? 1e-6) / golden.learningRate,
    weightDecay: options.loraplus_weight_decay ?? 0,
  });
  optimizer.start(parameters);
  expect(optimizer.state().size).toBe(2 * parameters.size);
  const alive = tf.memory().numTensors;
  let worst = 0;
  for (const [i, expected] of trace.entries()) {
    const gradients = shaped(golden.gradients[i]!);
    optimizer.step(gradients, { step: i + 1, learningRate: golden.learningRate * golden.factors[i]! });
    tf.dispose([...gradients.values()]);
    expect(tf.memory().numTensors).toBe(alive);
    for (const [name, parameter] of parameters) {
      const values = await parameter.data();
      expected[name]!.forEach((value, k) => (worst = Math.max(worst, Math.abs(value - values[k]!))));
    }
  }
  expect(trace).toHaveLength(12);
  expect(worst).toBeLessThanOrEqual(1e-6);
  optimizer.dispose();
});

test('each group learns at its own rate, and the first match decides', async () => {
  const parameters = ones('a.A', 'a.B', 'b.B');
  const optimizer = parameterGroups([
    { name: 'one', match: (name) => name === 'b.B', optimizer: sgd(), rateRatio: 3 },
    { name: 'B', match: /\.B$/, optimizer: sgd(), rateRatio: 2 },
    { name: 'rest', match: /./, optimizer: sgd({ momentum: 0.9 }) },
  ]);
  optimizer.start(parameters);
  optimizer.step(new Map([...parameters.keys()].map((name) => [name, tf.ones([2])])), { step: 1, learningRate: 0.25 });
  const first = async (name: string) => (await parameters.get(name)!.data())[0];
  expect([await first('a.A'), await first('a.B'), await first('b.B')]).toEqual([0.75, 0.5, 0.25]);
  expect([...optimizer.state().keys()]).toEqual(['a.A.momentum']);
  expect(optimizer.settings).toMatchObject({ groups: [{ name: 'one', rateRatio: 3, optimizer: 'sgd' }, {}, {}] });
  expect(() => {
    optimizer.step(new Map([['a.B', tf.ones([2])]]), { step: 2, learningRate: 1 });
  }).toThrow(/no gradient for 'b\.B'/);
  optimizer.dispose();
  expect(optimizer.state().size).toBe(0);
});

test('a group that matches nothing, and a parameter without a group, are named', () => {
  expect(() => {
    loraPlus({ ratio: 16 }).start(ones('a.l', 'b.l'));
  }).toThrow(/The group 'output side' has no parameters: .* matches none of a\.l, b\.l\./);
  expect(() => {
    parameterGroups([{ name: 'B', match: /B$/, optimizer: adamW() }]).start(ones('a.A', 'a.B'));
  }).toThrow(expect.objectContaining({ code: 'PARAMETER_WITHOUT_GROUP' }));
  expect(() => loraPlus({ ratio: 0.5 })).toThrow('ratio is 0.5. Expected a number of at least 1.');
});
