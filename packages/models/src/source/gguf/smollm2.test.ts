import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { onnxruntime } from '@loran/engine-onnxruntime';
import { testData } from '@loran/testing';
import { closeEngine, openEngine } from '@loran/tensor';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { continuation } from '../../__fixtures__/continuation.js';
import { difference } from '../../__fixtures__/golden.js';
import type { LanguageModel } from '../../language-model.js';
import { loadLanguageModel } from '../../open-model.js';

/** Made by tools/parity/smollm2.py. */
interface GoldenSmolLM2 {
  readonly prompt: string;
  readonly ids: number[];
  readonly every: number;
  readonly scale: number;
  readonly logits: number[][];
  readonly greedy: number[];
  readonly text: string;
}

const golden = JSON.parse(
  readFileSync(fileURLToPath(new URL('../../__fixtures__/smollm2.json', import.meta.url)), 'utf8'),
) as GoldenSmolLM2;

const folder = testData('models', 'smollm2-135m-instruct-gguf');

describe.skipIf(folder === undefined)(
  'SmolLM2 from GGUF, a real model (needs LORAN_TEST_DATA/models/smollm2-135m-instruct-gguf)',
  () => {
    let model: LanguageModel;
    beforeAll(async () => {
      await openEngine(onnxruntime, { device: 'cpu' });
      model = await loadLanguageModel(folder!);
    }, 60_000);
    afterAll(async () => {
      model.dispose();
      await closeEngine();
    });

    test('scores are those of transformers', async () => {
      expect(model.warnings).toEqual([]);
      expect(model.tokenizer.encode([golden.prompt])).toEqual([golden.ids]);
      const scores = tf.tidy(() => {
        const all = model.scores(model.hidden({ ids: tf.tensor2d([golden.ids], undefined, 'int32') }));
        const columns = golden.logits[0]!.map((_, i) => i * golden.every);
        return tf.gather(all, tf.tensor1d(columns, 'int32'), 1);
      });
      expect(await difference(scores, golden.logits)).toBeLessThan(1e-4 * golden.scale);
      scores.dispose();
    });

    test('a text is continued as transformers does', async () => {
      const ids = await continuation(model, golden.ids, 12);
      expect(ids).toEqual(golden.greedy.slice(0, 12));
      expect(golden.text.startsWith(model.tokenizer.decode(ids))).toBe(true);
      expect(model.endIds).toEqual([2]);
    }, 60_000);
  },
);
