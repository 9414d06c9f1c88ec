import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { onnxruntime } from '@loran/engine-onnxruntime';
import { closeEngine, openEngine, portableEngine } from '@loran/tensor';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  decoderNames,
  goldenDecoder,
  nextTokenLoss,
  paddedBatch,
  tokenRows,
  withDecoderFolder,
} from '../__fixtures__/decoders.js';
import { difference } from '../__fixtures__/golden.js';
import type { LanguageModel } from '../language-model.js';
import { loadLanguageModel } from '../open-model.js';

const engines = [
  ['cpu', portableEngine('cpu')],
  ['onnxruntime', onnxruntime],
] as const;

const scale = (rows: number[][]) => Math.max(1, ...rows.flat().map(Math.abs));

describe.each(engines)('on %s', (_, engine) => {
  beforeAll(() => openEngine(engine, { device: 'cpu' }));
  afterAll(closeEngine);

  describe.each(decoderNames)('%s', (name) => {
    const golden = goldenDecoder(name);
    let model: LanguageModel;
    beforeAll(async () => {
      model = await withDecoderFolder(name, (folder) => loadLanguageModel(folder));
    });
    afterAll(() => {
      model.dispose();
    });

    test.each(['right', 'left'] as const)(
      'padded on the %s, scores and loss are those of transformers',
      async (side) => {
        const { texts, labels } = golden;
        const { logits, loss } = golden[side];
        const scores = tf.tidy(() => model.scores(model.hidden(paddedBatch(texts, side))));
        expect(await difference(tokenRows(scores, texts, side), logits)).toBeLessThan(1e-5 * scale(logits));
        expect(await difference(nextTokenLoss(scores, labels, side), [loss])).toBeLessThan(1e-5);
      },
    );

    test('a text alone needs no mask', async () => {
      const ids = tf.tensor2d([golden.texts[0]!], undefined, 'int32');
      const scores = tf.tidy(() => model.scores(model.hidden({ ids })));
      expect(await difference(scores, golden.plain)).toBeLessThan(1e-5 * scale(golden.plain));
    });

    test('with a cache, token by token, it continues as transformers does', async () => {
      const { texts, greedy } = golden;
      const longest = Math.max(...texts.map((text) => text.length));
      const before = tf.memory().numTensors;
      const cache = model.newCache(texts.length, longest + 4); // too small: it grows on the way
      const continued: number[][] = texts.map(() => []);
      let batch: { ids: Tensor2D; mask?: Tensor2D } = paddedBatch(texts, 'left');
      while (continued[0]!.length < greedy[0]!.length) {
        if (cache.length + batch.ids.shape[1] > cache.capacity) cache.grow(cache.capacity + 8);
        const best = tf.tidy(() => {
          const time = batch.ids.shape[1];
          const last = texts.map((_, row) => (row + 1) * time - 1);
          const rows = tf.gather(model.hidden(batch, undefined, cache), tf.tensor1d(last, 'int32'));
          return tf.argMax(model.scores(rows), 1);
        });
        const ids = [...(await best.data())];
        tf.dispose([best, batch.ids, batch.mask ?? []]);
        ids.forEach((id, row) => continued[row]!.push(id));
        batch = { ids: tf.tensor2d(ids, [texts.length, 1], 'int32') };
      }
      expect(continued).toEqual(greedy);
      tf.dispose(batch.ids);
      cache.dispose();
      expect(tf.memory().numTensors).toBe(before);
    });
  });
});

describe('gradients', () => {
  beforeAll(() => openEngine(onnxruntime, { device: 'cpu' }));
  afterAll(closeEngine);

  test.each(decoderNames)('%s: with respect to weights, as torch has them', async (name) => {
    const golden = goldenDecoder(name);
    const model = await withDecoderFolder(name, (folder) => loadLanguageModel(folder));
    for (const [key, expected] of Object.entries(golden.gradients)) {
      const slot = model.modules().get(key.replace('.weight', ''))!;
      const delta = tf.zeros<tf.Rank.R2>([slot.frozen.rows, slot.frozen.columns]);
      slot.attach('probe', {
        parameters: new Map(),
        forward: (x, next) => next(x, probe),
        delta: () => ({}),
        dispose: () => {},
      });
      let probe = delta;
      const gradient = tf.grad((d: tf.Tensor) => {
        probe = d as Tensor2D;
        return nextTokenLoss(model.scores(model.hidden(paddedBatch(golden.texts, 'right'))), golden.labels, 'right');
      })(delta) as Tensor2D;
      slot.detach('probe');
      const rows = tf.slice(gradient, 0, expected.length);
      if (name === 'llama3' || name.startsWith('gemma')) {
        if (key.includes('embed_tokens')) continue; // tied: torch adds the head's share
      }
      expect(await difference(rows, expected), key).toBeLessThan(1e-5 * scale(expected));
    }
    model.dispose();
  });
});
