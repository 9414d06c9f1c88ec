/** The update taken apart at its activation, as analyses of an adapter ask for it. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { createActivationRegistry, standardActivations } from '@loran/activations';
import { AdapterSet, frozenTensor, Slot } from '@loran/adapter';
import { openEngine, portableEngine, randomStream } from '@loran/tensor';
import { beforeAll, expect, test } from 'vitest';
import { loran, type LoranOptions } from './index.js';

beforeAll(() => openEngine(portableEngine('cpu')));
const registry = createActivationRegistry(standardActivations);

async function takenApart(activation: LoranOptions['activation'], kind: 'linear' | 'embedding' = 'linear') {
  const slot = new Slot('dense', frozenTensor(tf.zeros([7, 5]), null, kind));
  const { layers } = await new AdapterSet({ modules: () => new Map([['dense', slot]]) }).add({
    method: loran,
    config: { rank: 2, alpha: 6, activation },
    targetModules: ['dense'],
    resolve: (_, name) => registry.get(name),
  });
  const layer = layers.get('dense')!;
  for (const [name, parameter] of layer.parameters) {
    parameter.assign(randomStream(4).derive(name).normal(parameter.shape, 0, 0.5));
  }
  const { product, slope, linear } = layer.nonlinear!();
  const [z, slopes, without, update] = await Promise.all(
    [product, slope, linear, layer.delta().weight!].map((tensor) => tensor.data<'float32'>()),
  );
  return { shapes: [product, slope, linear].map(({ shape }) => shape), z: z!, slopes: slopes!, without, update };
}

test('the slope is the derivative at B·A, in the layout of the frozen weight', async () => {
  const [amplitude, frequency] = [0.4, 5];
  for (const kind of ['linear', 'embedding'] as const) {
    const { shapes, z, slopes } = await takenApart({ name: 'sinter', amplitude, frequency }, kind);
    expect(shapes).toEqual([
      [7, 5],
      [7, 5],
      [7, 5],
    ]);
    const expected = Array.from(
      z,
      (x) => 1 + amplitude * Math.sin(frequency * x) + amplitude * frequency * x * Math.cos(frequency * x),
    );
    expected.forEach((value, i) => expect(slopes[i]).toBeCloseTo(value, 4));
  }
});

test('with the identity the linear update is the update, and every slope is 1', async () => {
  const { z, slopes, without, update } = await takenApart('identity');
  expect(without).toEqual(update);
  expect(without).toEqual(z.map((value) => 3 * value)); // alpha / rank
  expect(new Set(slopes)).toEqual(new Set([1]));
});
