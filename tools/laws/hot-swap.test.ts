/** On the engine that compiles graphs: other values for an adapter, or another scale in a tensor, compile nothing. */
import { createActivationRegistry, standardActivations } from '@loran/activations';
import {
  adapterParameters,
  type AdapterMethod,
  AdapterSet,
  frozenTensor,
  saveAdapter,
  Slot,
  swapAdapter,
} from '@loran/adapter';
import { createOnnxruntimeEngine } from '@loran/engine-onnxruntime';
import { loran } from '@loran/loran';
import { lora } from '@loran/lora';
import { closeEngine, currentEngine, openEngine } from '@loran/tensor';
import { expectClose } from '@loran/testing';
import * as tf from '@tensorflow/tfjs-core';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

let folder: string;
beforeAll(async () => {
  await openEngine(createOnnxruntimeEngine({ log: () => undefined }), { device: 'cpu', threads: 1 });
  folder = mkdtempSync(path.join(tmpdir(), 'loran-hot-swap-'));
});
afterAll(async () => {
  await closeEngine();
  rmSync(folder, { recursive: true });
});

const registry = createActivationRegistry(standardActivations);
const resolve = (_: unknown, name: string) => registry.get(name);
const sessions = () => currentEngine().memory().sessions;
/** Values that no op is needed for. */
const random = (name: string, shape: readonly number[]) => {
  const size = tf.util.sizeFromShape([...shape]);
  const values = Array.from({ length: size }, (_, i) => Math.sin(i * 1.7 + name.length) / 4);
  return tf.tensor(values, [...shape]);
};

async function adapted(method: AdapterMethod, values: string, config: object) {
  const slot = new Slot('dense', frozenTensor(random('weight', [6, 4]) as tf.Tensor2D));
  const set = new AdapterSet({ modules: () => new Map([['dense', slot]]) });
  const adapter = await set.add({ method, config, targetModules: ['dense'], resolve });
  for (const parameter of adapterParameters(adapter).values()) parameter.assign(random(values, parameter.shape));
  const x = random('x', [3, 4]);
  const run = async () => {
    const y = slot.apply(x);
    const result = await y.data<'float32'>();
    y.dispose();
    return result;
  };
  return { set, adapter, run };
}

const cases: [string, AdapterMethod, object, object][] = [
  ['LoRA of a smaller rank and another alpha', lora as AdapterMethod, { rank: 3, alpha: 6 }, { rank: 2, alpha: 5 }],
  ['LoRAN', loran as AdapterMethod, { rank: 2, activation: 'tanh' }, { rank: 2, activation: 'tanh' }],
];

test.each(cases)('%s is swapped without a new session', async (_, method, config, otherConfig) => {
  const other = await adapted(method, 'the other', otherConfig);
  const expected = await other.run();
  await saveAdapter(other.adapter, folder);
  const own = await adapted(method, 'own', config);
  const before = await own.run();
  const compiled = sessions();
  expect(compiled).toBeGreaterThan(0);

  await swapAdapter(own.set, 'default', folder, { methods: [method], resolve });
  const swapped = await own.run();
  expect(sessions()).toBe(compiled);
  expect(swapped).not.toEqual(before);
  await expectClose(swapped, expected, { absolute: 1e-5 });

  const again = await adapted(method, 'own', config);
  await own.set.swap('default', again.adapter);
  expect(await own.run()).toEqual(before);
  expect(sessions()).toBe(compiled);
});

test('a scale in a tensor changes without a new session', async () => {
  const { adapter, run } = await adapted(lora as AdapterMethod, 'own', { rank: 4 });
  const at = async (scale: number) => {
    adapter.scale = tf.scalar(scale);
    return run();
  };
  const first = await at(0.25);
  const compiled = sessions();
  expect(await at(0.75)).not.toEqual(first);
  expect(sessions()).toBe(compiled);
  await expectClose(await at(0.25), first, { absolute: 0 });
  expect(sessions()).toBe(compiled);
  adapter.scale = 1; // a graph without the factor: the count does tell
  await run();
  expect(sessions()).toBeGreaterThan(compiled);
});
