import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bf16, fp32 } from '@loran/adapter';
import { openSafetensors, type TensorBytes, writeSafetensors } from '@loran/formats';
import { openEngine, portableEngine } from '@loran/tensor';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { copyOfTinyBert, difference, golden, goldenBatch, tinyBert } from './__fixtures__/golden.js';
import { loadSequenceClassifier } from './open-model.js';
import { modelFamilies } from './model-families.js';
import type { ModelFamily } from './model-family.js';
import type { SequenceClassifier } from './sequence-classifier.js';

beforeAll(() => openEngine(portableEngine('cpu')));

let folder: string;
beforeEach(() => {
  folder = copyOfTinyBert();
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

type Tensors = Map<string, TensorBytes>;

async function weights(): Promise<Tensors> {
  const file = await openSafetensors(join(tinyBert, 'model.safetensors'));
  const tensors: Tensors = new Map();
  for (const name of file.tensors.keys()) tensors.set(name, await file.read(name));
  await file.close();
  return tensors;
}

const renamed = (tensors: Tensors, rename: (name: string) => string | undefined): Tensors =>
  new Map(
    [...tensors].flatMap(([name, tensor]) => (rename(name) === undefined ? [] : [[rename(name)!, tensor] as const])),
  );

const write = (tensors: Tensors, name = 'model.safetensors') =>
  writeSafetensors(join(folder, name), tensors, { format: 'pt' });

function changeConfig(change: Record<string, unknown>): void {
  const path = join(folder, 'config.json');
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...change }));
}

const logitsError = (model: SequenceClassifier) => difference(model.logits(goldenBatch()), golden.F32.logits);

describe('checkpoints of every layout give the same model', () => {
  test('shards', async () => {
    const tensors = [...(await weights())];
    const shards = [tensors.slice(0, 20), tensors.slice(20)];
    const map: Record<string, string> = {};
    for (const [i, shard] of shards.entries()) {
      const name = `model-0000${i + 1}-of-00002.safetensors`;
      await write(new Map(shard), name);
      for (const [tensor] of shard) map[tensor] = name;
    }
    rmSync(join(folder, 'model.safetensors'));
    writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify({ metadata: {}, weight_map: map }));
    const model = await loadSequenceClassifier(folder);
    expect(await logitsError(model)).toBeLessThan(1e-5);
    model.dispose();
  });

  test("names without 'bert.', and TensorFlow's gamma and beta, with buffers of old versions", async () => {
    const tensors = renamed(await weights(), (name) =>
      name
        .replace(/^bert\./, '')
        .replace(/LayerNorm\.weight$/, 'LayerNorm.gamma')
        .replace(/LayerNorm\.bias$/, 'LayerNorm.beta'),
    );
    tensors.set('embeddings.position_ids', { dtype: 'I64', shape: [1, 1], data: new Uint8Array(8) });
    await write(tensors);
    const model = await loadSequenceClassifier(folder);
    expect(await logitsError(model)).toBeLessThan(1e-5);
    expect(model.warnings).toEqual([]);
    model.dispose();
  });

  test('tensors that nothing uses are listed once', async () => {
    const tensors = await weights();
    const extra = { dtype: 'F32', shape: [1], data: new Uint8Array(4) } as const;
    await write(tensors.set('cls.predictions.bias', extra).set('cls.seq_relationship.bias', extra));
    const model = await loadSequenceClassifier(folder);
    expect(model.warnings).toHaveLength(1);
    expect(model.warnings[0]).toMatch(/does not use: cls\.predictions\.bias, cls\.seq_relationship\.bias\./);
    model.dispose();
  });
});

test('every linear layer and embedding is a slot under its Hugging Face path; the count is that of torch', async () => {
  const model = await loadSequenceClassifier(folder);
  const layer = (n: number) =>
    [
      'attention.self.query',
      'attention.self.key',
      'attention.self.value',
      'attention.output.dense',
      'intermediate.dense',
      'output.dense',
    ].map((name) => `bert.encoder.layer.${n}.${name}`);
  expect([...model.modules().keys()]).toEqual([
    ...['word', 'position', 'token_type'].map((name) => `bert.embeddings.${name}_embeddings`),
    ...layer(0),
    ...layer(1),
    'bert.pooler.dense',
    'classifier',
  ]);
  expect(model.outputHead).toEqual(['classifier']);
  const total = [...(await weights()).values()].reduce((sum, { data }) => sum + data.length / 4, 0);
  const inSlots = [...model.modules().values()].reduce(
    (sum, { frozen }) => sum + frozen.rows * frozen.columns + (frozen.bias?.size ?? 0),
    0,
  );
  expect(inSlots + model.otherParameters!).toBe(total);
  model.dispose();
});

test('the base storage holds the linear layers; embeddings and the classifier stay fp32', async () => {
  const storages = (model: SequenceClassifier) =>
    Object.fromEntries([...model.modules()].map(([path, { frozen }]) => [path, frozen.storage]));
  const all = await loadSequenceClassifier(folder, { base: bf16 });
  const names = storages(all);
  expect(names['bert.encoder.layer.0.intermediate.dense']).toBe('bf16');
  expect(names['bert.pooler.dense']).toBe('bf16');
  expect(names['bert.embeddings.word_embeddings']).toBe('fp32');
  expect(names['classifier']).toBe('fp32');
  expect(await logitsError(all)).toBeGreaterThan(1e-4);
  expect(await logitsError(all)).toBeLessThan(0.1);
  const some = await loadSequenceClassifier(folder, { base: (path) => (path.endsWith('.query') ? bf16 : fp32) });
  expect(
    Object.entries(storages(some))
      .filter(([, storage]) => storage === 'bf16')
      .map(([path]) => path),
  ).toEqual([0, 1].map((n) => `bert.encoder.layer.${n}.attention.self.query`));
  all.dispose();
  some.dispose();
});

describe('the classifier', () => {
  test("of the checkpoint is used, with the checkpoint's labels", async () => {
    const model = await loadSequenceClassifier(folder);
    expect(model).toMatchObject({
      labels: ['ham', 'spam', 'neither'],
      pooling: 'cls',
      initialised: [],
      family: 'bert',
    });
    model.dispose();
  });

  test('is new where there is none: seeded, small, without bias', async () => {
    await write(renamed(await weights(), (name) => (name.startsWith('classifier') ? undefined : name)));
    changeConfig({ initializer_range: 0.02, id2label: undefined });
    const load = async (seed?: number) => {
      const model = await loadSequenceClassifier(folder, {
        labels: ['a', 'b'],
        ...(seed === undefined ? {} : { seed }),
      });
      const { frozen } = model.modules().get('classifier')!;
      const values = [...(await frozen.weight().data())];
      const bias = [...(await frozen.bias!.data())];
      expect(model.initialised).toEqual(['classifier']);
      model.dispose();
      return { values, bias };
    };
    const { values, bias } = await load();
    expect(bias).toEqual([0, 0]);
    expect(values).toHaveLength(48);
    const deviation = Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);
    expect(deviation).toBeGreaterThan(0.012);
    expect(deviation).toBeLessThan(0.028);
    expect((await load(0)).values).toEqual(values);
    expect((await load(1)).values).not.toEqual(values);
  });

  test("behind mean pooling is not the checkpoint's, unless config.json says so", async () => {
    const other = await loadSequenceClassifier(folder, { head: 'mean' });
    expect(other).toMatchObject({
      pooling: 'mean',
      initialised: ['classifier'],
      labels: ['ham', 'spam', 'neither'],
      warnings: [],
    });
    expect(other.modules().has('bert.pooler.dense')).toBe(false);
    changeConfig({ classifier_pooling: 'mean' });
    const own = await loadSequenceClassifier(folder);
    expect(own).toMatchObject({ pooling: 'mean', initialised: [] });
    expect(await difference(own.logits(goldenBatch()), golden.F32.meanLogits)).toBeLessThan(1e-5);
    other.dispose();
    own.dispose();
  });

  test('can be begun anew over other labels', async () => {
    const model = await loadSequenceClassifier(folder, { labels: ['x', 'y'], freshClassifier: true });
    expect(model.logits(goldenBatch()).shape).toEqual([3, 2]);
    expect(model.warnings).toEqual([]);
    model.dispose();
  });

  test('whose labels have the default names takes the names given', async () => {
    changeConfig({ id2label: { 0: 'LABEL_0', 1: 'LABEL_1', 2: 'LABEL_2' } });
    const model = await loadSequenceClassifier(folder, { labels: ['x', 'y', 'z'] });
    expect(model).toMatchObject({ labels: ['x', 'y', 'z'], initialised: [] });
    model.dispose();
  });

  test.each([
    [
      'other labels',
      ['x', 'y', 'z'],
      /has 3 labels \(ham, spam, neither\), but 3 were asked for \(x, y, z\).*freshClassifier/,
    ],
    ['the same in another order', ['spam', 'ham', 'neither'], /were asked for/],
    ['fewer', ['ham', 'spam'], /but 2 were asked for/],
    ['one', ['ham'], /at least two/],
    ['a label twice', ['ham', 'ham', 'spam'], /different labels/],
  ])('refuses %s', async (_, labels, says) => {
    const loading = loadSequenceClassifier(folder, { labels });
    await expect(loading).rejects.toMatchObject({ code: 'INVALID_LABELS' });
    await expect(loading).rejects.toThrow(says);
  });

  test('needs labels from somewhere', async () => {
    changeConfig({ id2label: undefined });
    await expect(loadSequenceClassifier(folder, { freshClassifier: true })).rejects.toThrow(/Say which there are/);
  });
});

describe('what does not fit is refused', () => {
  test('missing weights are all listed', async () => {
    await write(renamed(await weights(), (name) => (/layer\.1\.output|pooler/.test(name) ? undefined : name)));
    const loading = loadSequenceClassifier(folder);
    await expect(loading).rejects.toMatchObject({ code: 'MISSING_WEIGHTS' });
    await expect(loading).rejects.toThrow(
      /lacks 6 of 41 weights: bert\.encoder\.layer\.1\.output\.dense\.weight, .*LayerNorm\.bias, bert\.pooler\.dense\.weight, bert\.pooler\.dense\.bias/,
    );
  });

  test('weights of another size are listed with both shapes', async () => {
    changeConfig({ intermediate_size: 48 });
    const loading = loadSequenceClassifier(folder);
    await expect(loading).rejects.toMatchObject({ code: 'WEIGHT_SHAPES' });
    await expect(loading).rejects.toThrow(/layer\.0\.intermediate\.dense\.weight is \[40, 24\], expected \[48, 24\]/);
  });

  test('weights cut off', async () => {
    truncateSync(join(folder, 'model.safetensors'), 20_000);
    await expect(loadSequenceClassifier(folder)).rejects.toMatchObject({ code: 'SAFETENSORS_TRUNCATED' });
  });

  test.each([
    [{ hidden_size: 0 }, /'hidden_size'/],
    [{ num_attention_heads: 5 }, /'hidden_size': must be a multiple of num_attention_heads/],
    [{ hidden_act: 'mish', vocab_size: 'many' }, /'vocab_size'.*'hidden_act'/],
    [{ position_embedding_type: 'relative_key' }, /'position_embedding_type'/],
    [{ is_decoder: true }, /'is_decoder'/],
  ])('config.json with %o', async (change, says) => {
    changeConfig(change);
    const loading = loadSequenceClassifier(folder);
    await expect(loading).rejects.toMatchObject({ code: 'INVALID_MODEL_CONFIG' });
    await expect(loading).rejects.toThrow(says);
  });

  test.each([
    ['{', 'INVALID_MODEL_CONFIG'],
    ['[]', 'INVALID_MODEL_CONFIG'],
    ['{"model_type":"mamba"}', 'UNKNOWN_MODEL_FAMILY'],
    ['{}', 'UNKNOWN_MODEL_FAMILY'],
  ])('config.json that is %s', async (text, code) => {
    writeFileSync(join(folder, 'config.json'), text);
    await expect(loadSequenceClassifier(folder)).rejects.toMatchObject({ code });
  });

  test('a folder without config.json, and none at all', async () => {
    rmSync(join(folder, 'config.json'));
    await expect(loadSequenceClassifier(folder)).rejects.toThrow(/has no config\.json/);
    await expect(loadSequenceClassifier(join(folder, 'absent'))).rejects.toThrow(/no model folder/);
  });

  test('a tokenizer of another model', async () => {
    changeConfig({ vocab_size: 60 });
    await expect(loadSequenceClassifier(folder)).rejects.toThrow(/knows ids up to 78, but the model embeds 60/);
  });

  test('batches too long, or of unequal shapes', async () => {
    const model = await loadSequenceClassifier(folder);
    const ids = (rows: number, time: number) => tf.zeros<tf.Rank.R2>([rows, time], 'int32');
    expect(() => model.logits({ ids: ids(1, 25) })).toThrow(/25 tokens a text, but this model knows 24 positions/);
    expect(() => model.logits({ ids: ids(2, 4), mask: ids(2, 3) })).toThrow(/mask is \[2, 3\], but ids is \[2, 4\]/);
    expect(() => model.logits({ ids: tf.zeros([2, 4]) })).toThrow(/ids is float32 \[2, 4\]; expected int32/);
    expect(model.maxLength).toBe(24);
    model.dispose();
  });

  test('a storage that fails leaves nothing in memory', async () => {
    const before = tf.memory().numTensors;
    const failing = { ...fp32, store: () => Promise.reject(new TypeError('no room')) };
    await expect(loadSequenceClassifier(folder, { base: failing })).rejects.toThrow('no room');
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('model families', () => {
  const echo: ModelFamily = {
    kind: 'model-family',
    name: 'echo',
    package: null,
    version: null,
    modelTypes: ['echo'],
    architectures: ['EchoForSequenceClassification'],
    async sequenceClassifier({ config, weights, tokenizer }, { labels = [] }) {
      const model = await loadSequenceClassifier(tinyBert);
      expect(weights.tensors.size).toBe(41);
      expect(tokenizer.vocabularySize).toBe(79);
      return Object.assign(model, { family: 'echo', warnings: [...labels, String(config['model_type'])] });
    },
  };

  test("a user's own is found by model_type or by architecture", async () => {
    const families = modelFamilies().add(echo);
    changeConfig({ model_type: 'echo' });
    const byType = await loadSequenceClassifier(folder, { families, labels: ['a', 'b'] });
    expect(byType).toMatchObject({ family: 'echo', warnings: ['a', 'b', 'echo'] });
    changeConfig({ model_type: undefined, architectures: ['EchoForSequenceClassification'] });
    const byArchitecture = await loadSequenceClassifier(folder, { families });
    expect(byArchitecture.family).toBe('echo');
    byType.dispose();
    byArchitecture.dispose();
  });

  test('an unknown one lists those that are known; registries do not share', async () => {
    changeConfig({ model_type: 'echo', architectures: ['EchoModel'] });
    modelFamilies().add(echo);
    const loading = loadSequenceClassifier(folder);
    await expect(loading).rejects.toMatchObject({ code: 'UNKNOWN_MODEL_FAMILY' });
    await expect(loading).rejects.toThrow(/model_type "echo".*Known families: bert \(bert\)/);
  });
});
