/** Adapters that PEFT saved in torch's files are those that it saved in safetensors. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { adapterParameters, AdapterSet, frozenTensor, loadAdapter, Slot } from '@loran/adapter';
import { openEngine, portableEngine } from '@loran/tensor';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { lora } from './lora.js';

beforeAll(() => openEngine(portableEngine('cpu')));

async function parametersIn(folder: string) {
  const tokens = new Slot('tokens', frozenTensor(tf.ones([9, 6]), null, 'embedding'));
  const dense = new Slot('dense', frozenTensor(tf.ones([5, 6])));
  const modules = new Map([tokens, dense].map((slot) => [slot.path, slot]));
  const place = fileURLToPath(new URL(`./__fixtures__/${folder}`, import.meta.url));
  const adapter = await loadAdapter(new AdapterSet({ modules: () => modules }), place, { methods: [lora] });
  const values: Record<string, number[]> = {};
  for (const [name, parameter] of adapterParameters(adapter)) values[name] = [...(await parameter.data<'float32'>())];
  return values;
}

test.each(['plain', 'embedding'])('%s', async (name) => {
  const values = await parametersIn(`peft-bin/${name}`);
  expect(values).toEqual(await parametersIn(`peft/${name}`));
  expect(Object.keys(values)).toHaveLength(2);
});
