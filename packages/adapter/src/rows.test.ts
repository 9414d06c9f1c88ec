/** One adapter for each row of a batch. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { openEngine, portableEngine, randomStream } from '@loran/tensor';
import { beforeAll, expect, test } from 'vitest';
import { adapterParameters } from './adapter.js';
import { AdapterSet } from './adapter-set.js';
import { inference } from './pass.js';
import { Slot } from './slot.js';
import { frozenTensor } from './storage/fp32.js';
import { dora } from './__fixtures__/trials/dora.js';
import { ia3 } from './__fixtures__/trials/ia3.js';

beforeAll(() => openEngine(portableEngine('cpu')));

const random = randomStream(5);
const normal = (name: string, shape: number[]) => random.derive(name).normal(shape, 0, 1);

/** A model of one layer with a factor on its output ('ia3') and a change of its weight ('dora'). */
async function adapted() {
  const slot = new Slot('layer', frozenTensor(normal('w', [5, 4]) as Tensor2D));
  const set = new AdapterSet({ modules: () => new Map([['layer', slot]]) });
  for (const [name, method] of [
    ['ia3', ia3],
    ['dora', dora],
  ] as const) {
    const adapter = await set.add({ method, targetModules: ['layer'], name });
    for (const [key, parameter] of adapterParameters(adapter)) {
      parameter.assign(tf.add(parameter, normal(`${name}.${key}`, parameter.shape)));
    }
  }
  return { set, slot };
}

test.each([
  ['one row a text', [3, 4]],
  ['tokens flattened', [6, 4]],
  ['tokens apart', [3, 2, 4]],
])('%s: each row is what its adapter alone gives', async (_, shape) => {
  const { set, slot } = await adapted();
  const x = normal('x', shape);
  const alone = (name: string | null): Tensor => {
    set.activate(...(name === null ? [] : [name]));
    return slot.apply(x);
  };
  const names = ['dora', null, 'ia3'];
  const expected = tf.concat(
    names.map((name, row) => {
      const y = tf.reshape(alone(name), [3, -1, 5]);
      return tf.slice(y, [row, 0, 0], [1, -1, -1]);
    }),
  );
  set.activate('ia3'); // makes no difference
  const rows = set.rows(names);
  const before = tf.memory().numTensors;
  const mixed = slot.apply(x, { ...inference, rows });
  expect(tf.memory().numTensors).toBe(before + 1);
  expect(mixed.shape.slice(0, -1)).toEqual(shape.slice(0, -1));
  expect([...(await mixed.data())]).toEqual([...(await expected.data())]);
});

test('gradients reach an adapter from its own rows alone', async () => {
  const { set, slot } = await adapted();
  const parameter = [...adapterParameters(set.get('ia3')).values()][0]!;
  const x = normal('x', [2, 4]);
  const gradientOf = (names: (string | null)[]) =>
    tf.variableGrads(() => tf.sum(slot.apply(x, { ...inference, rows: set.rows(names) })), [parameter]).grads[
      parameter.name
    ]!;
  const [first, second, both] = [
    ['ia3', null],
    [null, 'ia3'],
    ['ia3', 'ia3'],
  ].map((names) => gradientOf(names));
  const summed = await tf.add(first!, second!).data();
  const whole = await both!.data();
  summed.forEach((value, i) => {
    expect(value).toBeCloseTo(whole[i]!, 5);
  });
});

test('an unknown name is refused', async () => {
  const { set } = await adapted();
  expect(() => set.rows(['lora', null])).toThrow(/no adapter called 'lora'/);
});
