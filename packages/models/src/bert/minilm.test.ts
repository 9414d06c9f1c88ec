import * as tf from '@tensorflow/tfjs-core';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { onnxruntime } from '@loran/engine-onnxruntime';
import { testData } from '@loran/testing';
import { closeEngine, openEngine } from '@loran/tensor';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { difference, goldenMiniLM } from '../__fixtures__/golden.js';
import { loadSentenceEncoder, loadSequenceClassifier } from '../open-model.js';
import type { SequenceClassifier, TokenBatch } from '../sequence-classifier.js';
import { loadTokenizer } from '../tokenizer/load-tokenizer.js';

const folder = testData('models', 'all-minilm-l6-v2');
const posts = testData('data', '20news', '20news-bydate-train.jsonl.gz');

describe.skipIf(folder === undefined)('MiniLM, a real model (needs LORAN_TEST_DATA/models/all-minilm-l6-v2)', () => {
  beforeAll(() => openEngine(onnxruntime, { device: 'cpu' }));
  afterAll(closeEngine);

  const { sentences, ids, tokens } = goldenMiniLM;
  const load = (head: 'cls' | 'mean') => loadSequenceClassifier(folder!, { head, labels: ['a', 'b'] });

  /** The golden sentences, padded. */
  function batchOf({ tokenizer }: Pick<SequenceClassifier, 'tokenizer'>): TokenBatch {
    const rows = tokenizer.encode(sentences);
    const time = Math.max(...rows.map((row) => row.length));
    const padded = rows.map((row) => [...row, ...Array.from({ length: time - row.length }, () => tokenizer.padId)]);
    const mask = rows.map((row) => Array.from({ length: time }, (_, i) => Number(i < row.length)));
    return { ids: tf.tensor2d(padded, undefined, 'int32'), mask: tf.tensor2d(mask, undefined, 'int32') };
  }

  test('its files say mean vectors of length 1', async () => {
    const encoder = await loadSentenceEncoder(folder!);
    expect([encoder.pooling, encoder.normalised, encoder.maxLength]).toEqual(['mean', true, 256]);
    const expected = goldenMiniLM.mean.map((row) => row.map((value) => value / Math.hypot(...row)));
    expect(await difference(encoder.embed(batchOf(encoder)), expected)).toBeLessThan(1e-5);
    encoder.dispose();
  });

  test('token ids are those of transformers', async () => {
    const tokenizer = await loadTokenizer(folder!);
    expect(tokenizer.encode(sentences)).toEqual(ids);
    const texts = tokens.map(({ text }) => text);
    expect(tokenizer.encode(texts, { allowSpecial: true })).toEqual(tokens.map((golden) => golden.ids));
    expect(tokenizer.encode(texts, { maxLength: 8, allowSpecial: true })).toEqual(
      tokens.map((golden) => golden.first8),
    );
  });

  test.skipIf(posts === undefined)(
    'token ids of 300 posts of 20 Newsgroups are those of transformers (needs data/20news)',
    async () => {
      const tokenizer = await loadTokenizer(folder!);
      const lines = gunzipSync(readFileSync(posts!)).toString().split('\n').slice(0, 300);
      const encoded = tokenizer.encode(
        lines.map((line) => (JSON.parse(line) as { text: string }).text),
        { maxLength: 128 },
      );
      expect(createHash('sha256').update(JSON.stringify(encoded)).digest('hex')).toBe(goldenMiniLM.postsDigest);
    },
  );

  test('mean vectors and hidden states are those of transformers', async () => {
    const model = await load('mean');
    const batch = batchOf(model);
    const pooled = model.pooled(batch);
    expect(await difference(pooled, goldenMiniLM.mean)).toBeLessThan(1e-4);
    const first = tf.slice(model.hiddenStates(batch).at(-1)!, [0, 0, 0], [sentences.length, 1, 8]);
    expect(await difference(first, goldenMiniLM.firstHidden)).toBeLessThan(1e-4);
    const unit = tf.div(pooled, tf.norm(pooled, 2, 1, true));
    const similarity = await tf.matMul<tf.Tensor2D>(unit as tf.Tensor2D, unit as tf.Tensor2D, false, true).array();
    expect(similarity[0]![1]).toBeCloseTo(0.943, 2); // a happy person and a very happy person
    expect(similarity[0]![2]).toBeCloseTo(0.257, 1); // … and a sunny day
    model.dispose();
  });

  test("the pooler's vectors are those of transformers", async () => {
    const model = await load('cls');
    const pooled = tf.slice(model.pooled(batchOf(model)), [0, 0], [sentences.length, 8]);
    expect(await difference(pooled, goldenMiniLM.pooler)).toBeLessThan(1e-4);
    expect(model).toMatchObject({ initialised: ['classifier'], warnings: [], maxLength: 512 });
    model.dispose();
  });
});
