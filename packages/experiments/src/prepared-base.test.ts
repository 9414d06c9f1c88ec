/** What PEFT's prepare_model_for_kbit_training sees to is so from the start: nothing has to be called over a packed base. */
import '@tensorflow/tfjs-backend-cpu';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { adapterParameters, AdapterSet } from '@loran/adapter';
import { openSafetensorsFolder } from '@loran/formats';
import { lora } from '@loran/lora';
import { loadLanguageModel, openConfiguration } from '@loran/models';
import { nf4 } from '@loran/qlora';
import { openEngine, portableEngine } from '@loran/tensor';
import { languageModelTask, train } from '@loran/trainer';
import { expect, test } from 'vitest';

const llama = fileURLToPath(new URL('../../models/src/__fixtures__/decoders/llama', import.meta.url));

test('over NF4 the adapters alone are trained, in fp32, from the first layer on, and the base keeps every bit', async () => {
  await openEngine(portableEngine('cpu'));
  const known = new Set(Object.keys(tf.engine().registeredVariables));
  const weights = await openSafetensorsFolder(llama);
  const model = await loadLanguageModel({ ...(await openConfiguration(llama)), weights }, { base: nf4 });
  await weights.close();
  const adapter = await new AdapterSet(model).add({ method: lora, targetModules: ['q_proj'], config: { rank: 2 } });
  const parameters = adapterParameters(adapter);
  const variables = Object.keys(tf.engine().registeredVariables).filter((name) => !known.has(name));
  expect(variables.length).toBe(parameters.size);
  const bits = async () => {
    const packed = [...model.modules().values()].filter(({ frozen }) => frozen.storage === 'nf4');
    expect(packed.length).toBeGreaterThan(6);
    return Promise.all(packed.map(({ frozen }) => frozen.parts()));
  };
  const before = await bits();
  const ids = [1, 5, 9, 13, 7];
  const hidden = model.hidden({ ids: tf.tensor2d([ids], [1, 5], 'int32') });
  expect(
    [hidden.dtype, ...[...parameters.values()].map(({ dtype }) => dtype)].every((type) => type === 'float32'),
  ).toBe(true);
  const examples = [{ ids, supervised: ids.map((_, i) => i > 0), cut: 0 }];
  const task = languageModelTask({ model, parameters, examples, allowEndless: true });
  for await (const event of train({ task, learningRate: 0.01, steps: 2 })) expect(event.type).not.toBe('interrupted');
  const first = [...parameters].find(([name]) => name.includes('layers.0.') && name.endsWith('.B'))![1];
  expect((await first.data()).some((value) => value !== 0)).toBe(true);
  expect(await bits()).toEqual(before);
  model.dispose();
});
