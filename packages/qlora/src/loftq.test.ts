/** LoftQ over NF4: the factors take back the best part of what quantising took, and the base is another only while they are active. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { AdapterSet, Slot } from '@loran/adapter';
import { lora } from '@loran/lora';
import { openEngine, portableEngine, randomStream, singularValues } from '@loran/tensor';
import { beforeAll, expect, test } from 'vitest';
import { nf4 } from './nf4.js';

beforeAll(() => openEngine(portableEngine('cpu')));

async function model() {
  const weight = randomStream(3).normal([24, 32], 0, 0.5) as Tensor2D;
  const values = Float32Array.from(await weight.data<'float32'>());
  const source = { kind: 'linear' as const, path: 'dense', rows: 24, columns: 32, bias: null };
  const runs = async function* () {
    yield await Promise.resolve(values);
  };
  const slot = new Slot('dense', await nf4.store({ ...source, values: runs }));
  const set = new AdapterSet({ modules: () => new Map([['dense', slot]]), original: runs });
  /** ‖W − what the slot computes with‖, Frobenius. */
  const error = async () => {
    const [norm] = await tf.tidy(() => tf.norm(tf.sub(tf.transpose(weight), slot.apply(tf.eye(32))))).data();
    return norm!;
  };
  return { weight, slot, set, error };
}

const options = (loftqIterations: number) => ({
  method: lora,
  config: { rank: 4, alpha: 8, init: 'loftq', loftqIterations },
  targetModules: ['dense'],
});

test('one round leaves exactly what rank r cannot hold', async () => {
  const { weight, slot, set, error } = await model();
  const lost = await singularValues(tf.sub<Tensor2D>(weight, slot.frozen.weight()));
  const before = await error();
  expect(before).toBeCloseTo(Math.hypot(...lost), 4);
  await set.add(options(1));
  expect(await error()).toBeCloseTo(Math.hypot(...lost.slice(4)), 4);
  set.activate();
  expect(await error()).toBe(before);
});

test('further rounds quantise again, and come closer; without the adapter the base is as it was', async () => {
  const [one, five] = [await model(), await model()];
  const before = await five.error();
  await one.set.add(options(1));
  await five.set.add(options(5));
  expect(await five.error()).toBeLessThan(await one.error());
  expect(five.slot.frozen.storage).toBe('nf4');
  five.set.activate();
  expect(await five.error()).toBe(before);
  five.set.remove('default');
  expect(await five.error()).toBe(before);
});
