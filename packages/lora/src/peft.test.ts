/** LoRA and PEFT: adapters that PEFT saved give its outputs here, and what is written here is what PEFT writes. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { AdapterSet, frozenTensor, loadAdapter, saveAdapter, Slot } from '@loran/adapter';
import { openEngine, portableEngine } from '@loran/tensor';
import { expectClose } from '@loran/testing';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lora } from './lora.js';
import { peftFormat } from './peft-format.js';

interface Case {
  readonly ids: number[][];
  readonly base: Record<'tokens.weight' | 'dense.weight' | 'dense.bias', number[]>;
  readonly module: 'tokens' | 'dense';
  readonly output: number[];
  readonly merged: number[];
}

const fixtures = fileURLToPath(new URL('./__fixtures__/peft', import.meta.url));
const { cases } = JSON.parse(readFileSync(path.join(fixtures, 'golden.json'), 'utf8')) as {
  cases: Record<string, Case>;
};
const scratch = mkdtempSync(path.join(tmpdir(), 'loran-lora-'));

beforeAll(() => openEngine(portableEngine('cpu')));
afterAll(() => rmSync(scratch, { recursive: true }));

/** The model of the script: an embedding [9, 6] and a linear layer [5, 6]. */
function model({ base, ids }: Case) {
  const tokens = new Slot('tokens', frozenTensor(tf.tensor2d(base['tokens.weight'], [9, 6]), null, 'embedding'));
  const bias = tf.tensor1d(base['dense.bias']);
  const dense = new Slot('dense', frozenTensor(tf.tensor2d(base['dense.weight'], [5, 6]), bias));
  const modules = new Map([
    ['tokens', tokens],
    ['dense', dense],
  ]);
  const run = () => tf.tidy(() => dense.apply(tokens.apply(tf.tensor2d(ids, [2, 3], 'int32')))); // [2, 3, 5]
  return { set: new AdapterSet({ modules: () => modules }), modules, run };
}

describe.each(Object.entries(cases))('%s', (name, golden) => {
  const folder = path.join(fixtures, name);

  test("gives PEFT's outputs and merged weight", async () => {
    const { set, modules, run } = model(golden);
    await loadAdapter(set, folder, { methods: [lora] });
    await expectClose(await run().data(), golden.output, { absolute: 2e-6 });
    await set.merge();
    await expectClose(await run().data(), golden.output, { absolute: 2e-6 });
    set.unmerge();

    const layer = set.get('default').layers.get(golden.module)!;
    const merged = tf.add(modules.get(golden.module)!.frozen.weight(), layer.delta().weight!);
    await expectClose(await merged.data(), golden.merged, { absolute: 1e-6 });
  });

  test('is the same in weight space', async () => {
    const { set, run } = model(golden);
    const loaded = await loadAdapter(set, folder, { methods: [lora] });
    const weightSpace = await set.add({
      method: lora,
      config: { ...(loaded.config as object), form: 'weight-space' },
      targetModules: [golden.module],
      name: 'weight-space',
    });
    for (const [name, parameter] of weightSpace.layers.get(golden.module)!.parameters) {
      parameter.assign(loaded.layers.get(golden.module)!.parameters.get(name)!);
    }
    set.activate('weight-space');
    await expectClose(await run().data(), golden.output, { absolute: 2e-6 });
  });

  test("is written with PEFT's keys, values and fields", async () => {
    const { set } = model(golden);
    const adapter = await loadAdapter(set, folder, { methods: [lora] });
    const written = path.join(scratch, name);
    await saveAdapter(adapter, written);
    const files = [folder, written].map((from) => readTensors(path.join(from, 'adapter_model.safetensors')));
    expect(files[1]).toEqual(files[0]);
    const [theirs, ours] = [folder, written].map(
      (from) => JSON.parse(readFileSync(path.join(from, 'adapter_config.json'), 'utf8')) as Record<string, unknown>,
    );
    const { auto_mapping: _, ...fields } = ours!; // names the Python class of the base model
    expect(theirs).toMatchObject(fields);
  });
});

describe('a PEFT configuration', () => {
  test('needs no more than PEFT does', () => {
    expect(lora.config.parse(peftFormat.fromFile({ peft_type: 'LORA', target_modules: ['q_proj'] }))).toMatchObject({
      rank: 8,
      alpha: 8,
      dropout: 0,
      rsLora: false,
      init: 'kaiming',
    });
  });

  test('comes back from our own fields', () => {
    const config = lora.config.parse({ rank: 4, alpha: 3, dropout: 0.5, rsLora: true, init: 'gaussian' });
    expect(
      lora.config.parse(peftFormat.fromFile(peftFormat.toFile(config, { conv1d: false, layers: new Map() }))),
    ).toEqual(config);
  });

  test.each([true, false])('says whether the targets are Conv1D layers: %s', (conv1d) => {
    expect(peftFormat.toFile(lora.config.parse({}), { conv1d, layers: new Map() })).toMatchObject({
      fan_in_fan_out: conv1d,
    });
  });

  test.each([
    ['target_parameters', ['experts.weight'], 'bare parameters'],
    ['layer_replication', [[0, 4]], 'replicated'],
    ['alora_invocation_tokens', [5], 'activated LoRA'],
    ['use_qalora', true, 'QALoRA'],
    ['use_bdlora', { r: 2 }, 'block-diagonal'],
    ['init_lora_weights', 'pissa_niter_4', 'changes the base'],
    ['init_lora_weights', 'corda', 'changes the base'],
    ['init_lora_weights', 'lora_ga', 'changes the base'],
    ['use_something_new', true, 'does not have'],
  ])('with %s: %j is refused by name', (field, value, feature) => {
    const read = () => peftFormat.fromFile({ r: 4, [field]: value });
    expect(read).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_PEFT_FEATURE' }));
    expect(read).toThrow(`"${field}": ${JSON.stringify(value)}`);
    expect(read).toThrow(feature);
  });

  test.each([
    [true, 'kaiming'],
    [false, 'kaiming'],
    ['orthogonal', 'orthogonal'],
    ['eva', 'eva'],
    ['pissa', 'pissa'],
  ])('started by %j is read as %s', (value, init) => {
    expect(peftFormat.fromFile({ r: 4, init_lora_weights: value })).toMatchObject({ init });
  });

  test('with a field of the wrong type names it', async () => {
    const { set } = model(Object.values(cases)[0]!);
    const config = peftFormat.fromFile({ r: 'four' });
    await expect(set.add({ method: lora, config, targetModules: ['dense'] })).rejects.toThrow(/'lora'.*rank: /);
  });
});

describe('a rank', () => {
  const golden = Object.values(cases)[0]!;

  test.each([0, -4, 1.5])('of %d is refused', async (rank) => {
    await expect(
      model(golden).set.add({ method: lora, config: { rank }, targetModules: ['dense'] }),
    ).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
  });

  test('above the smaller side is refused with the path of the layer, and the model stays as it was', async () => {
    const { set, run } = model(golden);
    const before = await run().data();
    await expect(set.add({ method: lora, config: { rank: 6 }, targetModules: ['tokens', 'dense'] })).rejects.toThrow(
      /rank for 'dense' is 6; its weight is \[5, 6\].*from 1 to 5/,
    );
    expect(set.names()).toEqual([]);
    expect(await run().data()).toEqual(before);
  });
});

/** Name -> shape and bytes of each tensor of a small safetensors file. */
function readTensors(file: string): Record<string, unknown> {
  const bytes = readFileSync(file);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString()) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const { __metadata__: metadata, ...tensors } = header;
  return {
    metadata,
    tensors: Object.fromEntries(
      Object.entries(tensors).map(
        ([
          name,
          {
            dtype,
            shape,
            data_offsets: [from, to],
          },
        ]) => [name, { dtype, shape, data: bytes.subarray(8 + length + from, 8 + length + to).toString('hex') }],
      ),
    ),
  };
}
