import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openEngine, portableEngine } from '@loran/tensor';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { AdapterSet } from '../adapter-set.js';
import { Slot } from '../slot.js';
import { frozenTensor } from '../storage/fp32.js';
import { dora } from '../__fixtures__/trials/dora.js';
import { ia3 } from '../__fixtures__/trials/ia3.js';
import { loadAdapter } from './load-adapter.js';
import { saveAdapter } from './save-adapter.js';

beforeAll(() => openEngine(portableEngine('cpu')));

const model = (inputs = 4) => {
  const slot = new Slot('layer.dense', frozenTensor(tf.ones([3, inputs])));
  return new AdapterSet({ modules: () => new Map([[slot.path, slot]]) });
};
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'loran-load-'));
  await saveAdapter(await model().add({ method: dora, targetModules: ['dense'] }), folder, {
    baseModel: 'a/model',
    taskType: 'SEQ_CLS',
  });
});
afterEach(() => rm(folder, { recursive: true }));

const edit = async (change: Record<string, unknown>) => {
  const file = path.join(folder, 'adapter_config.json');
  await writeFile(file, JSON.stringify({ ...(JSON.parse(await readFile(file, 'utf8')) as object), ...change }));
};
const load = (set = model(), methods = [dora]) => loadAdapter(set, folder, { methods });

test('the configuration has sorted keys and the fields PEFT asks for', async () => {
  const fields = JSON.parse(await readFile(path.join(folder, 'adapter_config.json'), 'utf8')) as Record<
    string,
    unknown
  >;
  expect(Object.keys(fields)).toEqual(Object.keys(fields).sort());
  expect(fields).toMatchObject({
    peft_type: 'DORA',
    r: 2,
    target_modules: ['dense'],
    base_model_name_or_path: 'a/model',
    task_type: 'SEQ_CLS',
    inference_mode: true,
    modules_to_save: null,
  });
});

test('a module to save that the model does not have is ignored, as PEFT lists several', async () => {
  await edit({ modules_to_save: ['score'] });
  expect((await load()).modulesToSave).toEqual([]);
});

test('an unknown type names the types that can be read', async () => {
  await edit({ peft_type: 'OFT' });
  await expect(load()).rejects.toThrow(/type 'OFT'.*read DORA/);
  await expect(load(model(), [ia3])).rejects.toThrow(/read IA3/);
});

test('a missing folder, broken JSON and a missing field are told apart', async () => {
  await expect(loadAdapter(model(), path.join(folder, 'nowhere'), { methods: [dora] })).rejects.toMatchObject({
    code: 'ADAPTER_NOT_FOUND',
  });
  await edit({ target_modules: 3 });
  await expect(load()).rejects.toThrow(/adapter_config\.json.*target_modules/);
  await writeFile(path.join(folder, 'adapter_config.json'), '{');
  await expect(load()).rejects.toMatchObject({ code: 'INVALID_ADAPTER_CONFIG' });
});

test('an adapter of another shape or with other tensors is refused, and the model stays as it was', async () => {
  const other = model(5);
  await expect(load(other)).rejects.toThrow(/'base_model\.model\.layer\.dense\.lora_A\.weight'.*\[2, 5\].*\[2, 4\]/);
  expect(other.names()).toEqual([]);
  const less = {
    ...dora,
    formats: dora.formats.map((format) => ({
      ...format,
      suffixes: { get: (name: string) => (name === 'A' ? 'lora_X.weight' : format.suffixes.get(name)) },
    })),
  };
  await expect(load(model(), [less as typeof dora])).rejects.toThrow(
    /Missing: .*lora_X.*Not used by any module: .*lora_A/,
  );
});

test('a parameter that is not finite is not saved', async () => {
  const adapter = await model().add({ method: ia3, targetModules: ['dense'] });
  adapter.layers
    .get('layer.dense')
    ?.parameters.get('factor')
    ?.assign(tf.fill([3], Number.POSITIVE_INFINITY));
  const before = await readFile(path.join(folder, 'adapter_model.safetensors'));
  await expect(saveAdapter(adapter, folder)).rejects.toMatchObject({ code: 'NON_FINITE' });
  expect(await readFile(path.join(folder, 'adapter_model.safetensors'))).toEqual(before);
});
