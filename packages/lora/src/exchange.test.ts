/** LoRA adapters in the folders of other programs: several in one folder, layers left out, another base, MLX. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import {
  adapterParameters,
  addFactored,
  AdapterSet,
  factoredLayers,
  frozenTensor,
  loadAdapter,
  loadAdapters,
  loadMlxAdapter,
  saveAdapter,
  saveAdapters,
  saveMlxAdapter,
  Slot,
} from '@loran/adapter';
import { openEngine, portableEngine, randomStream } from '@loran/tensor';
import { expectClose } from '@loran/testing';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { lora } from './lora.js';

let folder: string;
beforeAll(() => openEngine(portableEngine('cpu')));
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'loran-exchange-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const random = (name: string, shape: [number, number]) =>
  randomStream(1).derive(name).normal(shape, 0, 1) as tf.Tensor2D;

/** Four layers of two products, and an embedding before them. */
function model(fingerprint?: string) {
  const embedding = new Slot('model.embed_tokens', frozenTensor(random('embed', [9, 4]), null, 'embedding'));
  const layers = Array.from({ length: 4 }, (_, n) => [
    new Slot(`model.layers.${n}.self_attn.q_proj`, frozenTensor(random(`q${n}`, [6, 4]))),
    new Slot(`model.layers.${n}.mlp.down_proj`, frozenTensor(random(`down${n}`, [4, 6]))),
  ]).flat();
  const slots = new Map([embedding, ...layers].map((slot) => [slot.path, slot]));
  const run = () =>
    tf.tidy(() => layers.reduce((x, slot) => slot.apply(x), embedding.apply(tf.tensor1d([3, 0, 8], 'int32'))));
  const set = new AdapterSet({ modules: () => slots, ...(fingerprint === undefined ? {} : { fingerprint }) });
  return { set, run };
}

async function addRandom({ set }: ReturnType<typeof model>, options: Partial<Parameters<AdapterSet['add']>[0]> = {}) {
  const adapter = await set.add({
    config: { rank: 2, alpha: 3 },
    targetModules: ['q_proj'],
    ...options,
    method: lora,
  });
  for (const [key, parameter] of adapterParameters(adapter)) {
    parameter.assign(random(`${adapter.name}.${key}`, parameter.shape as [number, number]));
  }
  return adapter;
}

test('an adapter on some layers, without some modules, is saved and loaded so', async () => {
  const one = model();
  const selection = {
    excludeModules: ['layers.1.self_attn.q_proj'],
    layersToTransform: [1, 2],
    layersPattern: ['layers'],
  };
  const adapter = await addRandom(one, { selection, targetModules: ['q_proj', 'down_proj'] });
  expect([...adapter.layers.keys()]).toEqual([
    'model.layers.1.mlp.down_proj',
    'model.layers.2.self_attn.q_proj',
    'model.layers.2.mlp.down_proj',
  ]);
  await saveAdapter(adapter, folder);
  const two = model();
  await loadAdapter(two.set, folder, { methods: [lora] });
  await expectClose(await two.run().data(), await one.run().data(), { absolute: 0 });
});

test('several adapters stand in one folder, as PEFT names it', async () => {
  const one = model();
  await addRandom(one);
  await addRandom(one, { name: 'poems', targetModules: ['down_proj'], config: { rank: 1 } });
  await saveAdapters(one.set, folder);
  expect(readdirSync(folder).sort()).toEqual([
    'README.md',
    'adapter_config.json',
    'adapter_model.safetensors',
    'poems',
  ]);
  const two = model();
  const loaded = await loadAdapters(two.set, folder, { methods: [lora] });
  expect(loaded.map(({ name }) => name)).toEqual(['default', 'poems']);
  await expectClose(await two.run().data(), await one.run().data(), { absolute: 0 });

  writeFileSync(path.join(folder, 'poems', 'adapter_config.json'), '{');
  const three = model();
  await expect(loadAdapters(three.set, folder, { methods: [lora] })).rejects.toMatchObject({
    code: 'INVALID_ADAPTER_CONFIG',
  });
  expect(three.set.names()).toEqual([]);
});

test('a name that would leave the folder is refused', async () => {
  const one = model();
  await addRandom(one, { name: '../poems' });
  await expect(saveAdapters(one.set, folder)).rejects.toMatchObject({ code: 'INVALID_ADAPTER_NAME' });
});

test('a base with the same shapes but other weights gives a warning that names the right one', async () => {
  const adapter = await addRandom(model('sha256:1'));
  await saveAdapter(adapter, folder, { baseModel: 'a/model', revision: 'v2' });
  const load = async (fingerprint?: string) =>
    (await loadAdapter(model(fingerprint).set, folder, { methods: [lora] })).warnings;
  expect(await load('sha256:1')).toEqual([]);
  expect(await load()).toEqual([]); // nobody knows
  expect(await load('sha256:2')).toEqual([expect.stringMatching(/trained on a\/model \(v2\).*other weights/)]);
  const fields = JSON.parse(readFileSync(path.join(folder, 'adapter_config.json'), 'utf8')) as object;
  expect(fields).toMatchObject({ base_model_name_or_path: 'a/model', revision: 'v2' });
});

describe('for MLX', () => {
  test('factors are transposed and the scaling stands apart; it comes back the same', async () => {
    const one = model();
    const adapter = await addRandom(one, { selection: { layersToTransform: [2, 3] } });
    await saveMlxAdapter(adapter, one.set.model, folder, { baseModel: 'a/model' });
    expect(JSON.parse(readFileSync(path.join(folder, 'adapter_config.json'), 'utf8'))).toEqual({
      fine_tune_type: 'lora',
      model: 'a/model',
      num_layers: 2,
      lora_parameters: { rank: 2, scale: 1.5, dropout: 0, keys: ['self_attn.q_proj'] },
    });
    const tensors = readTensors(path.join(folder, 'adapters.safetensors'));
    expect([...tensors].map(([key, { shape }]) => [key, shape])).toEqual([
      ['model.layers.2.self_attn.q_proj.lora_a', [4, 2]],
      ['model.layers.2.self_attn.q_proj.lora_b', [2, 6]],
      ['model.layers.3.self_attn.q_proj.lora_a', [4, 2]],
      ['model.layers.3.self_attn.q_proj.lora_b', [2, 6]],
    ]);
    const A = adapter.layers.get('model.layers.2.self_attn.q_proj')!.parameters.get('A') as tf.Tensor2D;
    const { values } = tensors.get('model.layers.2.self_attn.q_proj.lora_a')!;
    await expectClose(values, await tf.transpose(A).data(), { absolute: 0 });

    const two = model();
    const loaded = await loadMlxAdapter(two.set, folder, { methods: [lora] });
    expect(loaded.config).toMatchObject({ rank: 2, alpha: 3 });
    await expectClose(await two.run().data(), await one.run().data(), { absolute: 1e-5 });
  });

  test('an embedding and a rank-stabilised scaling come through', async () => {
    const one = model();
    const adapter = await addRandom(one, {
      targetModules: ['embed_tokens'],
      config: { rank: 2, alpha: 3, rsLora: true },
    });
    await saveMlxAdapter(adapter, one.set.model, folder);
    const two = model();
    await loadMlxAdapter(two.set, folder, { methods: [lora] });
    await expectClose(await two.run().data(), await one.run().data(), { absolute: 1e-5 });
  });

  test.each([
    ['fine_tune_type', { fine_tune_type: 'dora' }, 'INVALID_ADAPTER_CONFIG'],
    ['rank', { lora_parameters: { rank: 3, scale: 1 } }, 'SHAPE_MISMATCH'],
    ['scale', { lora_parameters: { rank: 2 } }, 'INVALID_ADAPTER_CONFIG'],
  ])('a wrong %s is refused', async (_, change, code) => {
    const one = model();
    await saveMlxAdapter(await addRandom(one), one.set.model, folder);
    const file = path.join(folder, 'adapter_config.json');
    writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as object), ...change }));
    const two = model();
    await expect(loadMlxAdapter(two.set, folder, { methods: [lora] })).rejects.toMatchObject({ code });
    expect(two.set.names()).toEqual([]);
  });

  test('whole modules are refused, with the way out', async () => {
    const one = model();
    const adapter = await one.set.add({
      method: lora,
      config: { rank: 1 },
      targetModules: ['q_proj'],
      modulesToSave: ['embed_tokens'],
    });
    const error = {
      code: 'NOT_FACTORED',
      message: expect.stringMatching(/model\.embed_tokens whole.*Merge it/) as string,
    };
    await expect(saveMlxAdapter(adapter, one.set.model, folder)).rejects.toMatchObject(error);
    expect(readdirSync(folder)).toEqual([]);
  });
});

/** The F32 tensors of a safetensors file, whose reader is tested elsewhere. */
function readTensors(file: string): ReadonlyMap<string, { shape: number[]; values: Float32Array }> {
  const bytes = readFileSync(file);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, start)) as Record<
    string,
    { shape: number[]; data_offsets: [number, number] }
  >;
  return new Map(
    Object.entries(header).flatMap(([name, { shape, data_offsets: place }]) => {
      if (name === '__metadata__') return [];
      const data = Uint8Array.from(bytes.subarray(start + place[0], start + place[1]));
      return [[name, { shape, values: new Float32Array(data.buffer) }] as const];
    }),
  );
}

test('factors of several ranks become one adapter, in folders of PEFT and of MLX too', async () => {
  const one = model();
  const given = new Map(
    (
      [
        ['model.layers.0.self_attn.q_proj', 2, 6, 4],
        ['model.layers.0.mlp.down_proj', 1, 4, 6],
        ['model.layers.2.self_attn.q_proj', 3, 6, 4],
        ['model.layers.3.self_attn.q_proj', 2, 6, 4],
      ] as const
    ).map(([path, rank, rows, columns]) => {
      const [A, B] = [random(`${path}.A`, [rank, columns]), random(`${path}.B`, [rows, rank])];
      return [path, { A: A.dataSync<'float32'>(), B: B.dataSync<'float32'>(), rank }] as const;
    }),
  ) as Parameters<typeof addFactored>[1];
  const adapter = await addFactored(one.set, given, { methods: [lora], scaling: 1.5, file: 'the test' });
  const layers = await factoredLayers(adapter, 'the test');
  expect([...layers.keys()].sort()).toEqual([...given.keys()].sort());
  for (const [path, layer] of layers) expect(layer).toEqual({ ...given.get(path), scaling: 1.5 });

  await saveAdapter(adapter, folder);
  const two = model();
  await loadAdapter(two.set, folder, { methods: [lora] });
  await expectClose(await two.run().data(), await one.run().data(), { absolute: 0 });
  const three = model();
  await saveMlxAdapter(adapter, one.set.model, path.join(folder, 'mlx'));
  await loadMlxAdapter(three.set, path.join(folder, 'mlx'), { methods: [lora] });
  await expectClose(await three.run().data(), await one.run().data(), { absolute: 1e-5 });
});
