/** The activations that PEFT's files can name, against transformers' own: values, and slopes by torch's autograd. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { openEngine, portableEngine } from '@loran/tensor';
import { expectClose } from '@loran/testing';
import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { peftActivations } from './peft-activations.js';

beforeAll(() => openEngine(portableEngine('cpu')));

const { points, activations } = JSON.parse(
  readFileSync(new URL('./__fixtures__/activations.json', import.meta.url), 'utf8'),
) as { points: number[]; activations: Record<string, { value: number[]; slope: number[] }> };

test('all of them are here', () => {
  expect(new Set(peftActivations.keys())).toEqual(new Set(Object.keys(activations)));
});

test.each(Object.entries(activations))('%s', async (name, { value, slope }) => {
  const f = peftActivations.get(name)!.instantiate();
  const z = tf.tensor1d(points);
  await expectClose(await f.apply(z).data(), value, { absolute: 2e-6, relative: 2e-6 });
  await expectClose(
    await tf
      .grad((x) => f.apply(x))(z)
      .data(),
    slope,
    { absolute: 5e-6, relative: 5e-6 },
  );
  f.dispose();
});
