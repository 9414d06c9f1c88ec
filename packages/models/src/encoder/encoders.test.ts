import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AdapterSet, loadAdapter } from '@loran/adapter';
import { onnxruntime } from '@loran/engine-onnxruntime';
import { lora } from '@loran/lora';
import { closeEngine, openEngine, randomStream } from '@loran/tensor';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { padded, withTokenizer } from '../__fixtures__/decoders.js';
import { difference, golden as goldenBert, goldenBatch, tinyBert } from '../__fixtures__/golden.js';
import { loadSentenceEncoder, loadSequenceClassifier } from '../open-model.js';

type Rows = number[][];

interface GoldenEncoder {
  readonly texts: Rows;
  readonly target: number[];
  readonly pad: number;
  readonly logits: Rows;
  readonly loss: number;
  /** Of the second text's tokens, after the embeddings and each layer. */
  readonly hiddenStates: Rows[];
  readonly gradients: Readonly<Record<string, Rows>>;
  /** Logits of the first text alone. */
  readonly plain: Rows;
  readonly mean: Rows;
  readonly normalised: Rows;
  readonly first: Rows;
  readonly adapted: Rows;
}

const root = fileURLToPath(new URL('../__fixtures__/encoders', import.meta.url));
const names = readdirSync(root);
const goldenOf = (name: string) => JSON.parse(readFileSync(join(root, name, 'golden.json'), 'utf8')) as GoldenEncoder;
const load = (name: string, options = {}) =>
  withTokenizer(join(root, name), (folder) => loadSequenceClassifier(folder, options));

const int = (rows: Rows): Tensor2D => tf.tensor2d(rows, undefined, 'int32');
const batchOf = ({ texts, pad }: GoldenEncoder) => ({
  ids: int(padded(texts, 'right', pad)),
  mask: int(
    padded(
      texts.map((text) => text.map(() => 1)),
      'right',
      0,
    ),
  ),
});
const lossOf = (logits: Tensor2D, target: number[]): tf.Scalar =>
  tf.losses.softmaxCrossEntropy(tf.oneHot(tf.tensor1d(target, 'int32'), 3), logits);

beforeAll(() => openEngine(onnxruntime, { device: 'cpu' }));
afterAll(closeEngine);

describe.each(names)('%s', (name) => {
  const golden = goldenOf(name);

  test('logits, loss and hidden states are those of transformers', async () => {
    const model = await load(name);
    const batch = batchOf(golden);
    const logits = model.logits(batch);
    expect(await difference(logits, golden.logits)).toBeLessThan(1e-5);
    expect(await difference(lossOf(logits, golden.target), [golden.loss])).toBeLessThan(1e-5);
    expect(await difference(model.logits({ ids: int(golden.texts.slice(0, 1)) }), golden.plain)).toBeLessThan(1e-5);
    const states = model.hiddenStates(batch);
    expect(states.length).toBe(golden.hiddenStates.length);
    for (const [i, state] of states.entries()) {
      const tokens = tf.slice(state, [1, 0, 0], [1, 4, state.shape[2]]);
      expect(await difference(tokens, golden.hiddenStates[i])).toBeLessThan(2e-5);
    }
    expect([model.labels, model.initialised, model.warnings]).toEqual([['ham', 'spam', 'neither'], [], []]);
    model.dispose();
  });

  test('padding on the left changes nothing but the columns', async () => {
    const model = await load(name, { head: 'mean', labels: ['a', 'b'] });
    const { texts, pad, mean } = golden;
    const ones = texts.map((text) => text.map(() => 1));
    const left = { ids: int(padded(texts, 'left', pad)), mask: int(padded(ones, 'left', 0)) };
    expect(await difference(model.pooled(batchOf(golden)), mean)).toBeLessThan(1e-5);
    // DistilBERT counts columns, so that there the left side means other positions, in transformers as well
    const error = await difference(model.pooled(left), mean);
    if (model.family === 'roberta') expect(error).toBeLessThan(1e-5);
    else expect(error).toBeGreaterThan(1e-3);
    expect(model.initialised).toEqual(['classifier']);
    model.dispose();
  });

  test('gradients with respect to weights are those of torch', async () => {
    const model = await load(name);
    expect(Object.keys(golden.gradients).length).toBeGreaterThan(4);
    for (const [key, rows] of Object.entries(golden.gradients)) {
      const slot = model.modules().get(key.replace(/\.weight$/, ''))!;
      let probe = tf.zeros<tf.Rank.R2>([slot.frozen.rows, slot.frozen.columns]);
      slot.attach('probe', {
        parameters: new Map(),
        forward: (x, next) => next(x, probe),
        delta: () => ({}),
        dispose: () => {},
      });
      const gradient = tf.grad((delta: tf.Tensor) => {
        probe = delta as Tensor2D;
        return lossOf(model.logits(batchOf(golden)), golden.target);
      })(probe);
      slot.detach('probe');
      const largest = Math.max(...rows.flat().map(Math.abs));
      expect(await difference(gradient, rows), key).toBeLessThan(1e-4 * largest);
    }
    model.dispose();
  });

  test('an adapter and a head by PEFT give the logits that PEFT has, from a new head as well', async () => {
    const model = await load(name, { freshClassifier: true });
    expect(model.initialised).toEqual(model.outputHead);
    const set = new AdapterSet(model);
    const adapter = await loadAdapter(set, join(root, name, 'adapter'), { methods: [lora] });
    expect([adapter.targetModules].flat().sort()).toEqual(model.targetModules);
    expect([...adapter.savedModules.keys()]).toEqual(model.outputHead);
    expect([...new Set(adapter.modulesToSave)]).toEqual(model.headModules); // PEFT adds its own guess twice
    expect(await difference(model.logits(batchOf(golden)), golden.adapted)).toBeLessThan(1e-5);
    set.remove('default');
    model.dispose();
  });

  test('dropout acts in training alone', async () => {
    const model = await load(name);
    const logits = async (seed?: number) => {
      const pass = seed === undefined ? undefined : { training: true, random: randomStream(seed) };
      return [...(await model.logits(batchOf(golden), pass).data())];
    };
    expect(await logits(1)).toEqual(await logits(1));
    expect(await logits(1)).not.toEqual(await logits(2));
    expect(await logits(1)).not.toEqual(await logits());
    model.dispose();
  });

  test('as a sentence encoder it pools as asked', async () => {
    for (const [options, expected] of [
      [{}, golden.mean],
      [{ normalised: true }, golden.normalised],
      [{ pooling: 'cls' }, golden.first],
    ] as const) {
      const encoder = await withTokenizer(join(root, name), (folder) => loadSentenceEncoder(folder, options));
      expect(await difference(encoder.embed(batchOf(golden)), expected)).toBeLessThan(1e-5);
      expect(encoder.warnings).toEqual([]);
      encoder.dispose();
    }
  });
});

describe("sentence-transformers' files", () => {
  const kind = (name: string) => ({ type: `sentence_transformers.models.${name}` });
  const pooling = { ...kind('Pooling'), path: '1_Pooling' };
  const meanFile = { pooling_mode_cls_token: false, pooling_mode_mean_tokens: true };

  const encoderWith = (modules: unknown, poolingFile: unknown) =>
    withTokenizer(join(root, 'roberta'), (folder) => {
      mkdirSync(join(folder, '1_Pooling'));
      writeFileSync(join(folder, 'modules.json'), JSON.stringify(modules));
      if (poolingFile !== undefined) writeFileSync(join(folder, '1_Pooling/config.json'), JSON.stringify(poolingFile));
      return loadSentenceEncoder(folder);
    });

  test.each([
    [[kind('Transformer'), pooling, kind('Normalize')], meanFile, 'mean', true],
    [[kind('Transformer'), pooling], { pooling_mode: 'cls' }, 'cls', false],
    [[kind('Transformer'), pooling], { pooling_mode_cls_token: true, pooling_mode_mean_tokens: false }, 'cls', false],
  ])('say how to pool: %#', async (modules, file, expected, normalised) => {
    const encoder = await encoderWith(modules, file);
    expect([encoder.pooling, encoder.normalised]).toEqual([expected, normalised]);
    encoder.dispose();
  });

  test.each([
    ['another module', [kind('Transformer'), pooling, kind('Dense')], meanFile, 'a module Dense'],
    ['another pooling', [pooling], { pooling_mode_max_tokens: true }, 'pooled by "max"'],
    ['two poolings', [pooling], { ...meanFile, pooling_mode_max_tokens: true }, 'pooled by "mean+max"'],
    ['no pooling', [kind('Transformer')], meanFile, 'lists no Pooling'],
    ['a path out of the folder', [{ ...kind('Pooling'), path: '../1_Pooling' }], meanFile, 'config.json is missing'],
    ['no list', { modules: [] }, meanFile, 'does not list modules'],
  ])('with %s are refused', async (_, modules, file, message) => {
    await expect(encoderWith(modules, file)).rejects.toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED_TASK', message: expect.stringContaining(message) as string }),
    );
  });
});

test('BERT makes the mean vectors of transformers, and leaves nothing in memory', async () => {
  const before = tf.memory().numTensors;
  const encoder = await loadSentenceEncoder(tinyBert);
  const batch = goldenBatch();
  const vectors = encoder.embed(batch);
  expect(await difference(vectors, goldenBert.F32.mean)).toBeLessThan(1e-5);
  expect([...encoder.modules().keys()]).toContain('encoder.layer.0.attention.self.query'); // as in BertModel
  tf.dispose([vectors, batch.ids, batch.mask, batch.tokenTypes]);
  encoder.dispose();
  expect(tf.memory().numTensors).toBe(before);
});
