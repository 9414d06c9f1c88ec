/** Output heads of merged models: tied to their embedding, begun anew, trained. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AdapterSet } from '@loran/adapter';
import { openSafetensorsFolder } from '@loran/formats';
import { lora } from '@loran/lora';
import '@tensorflow/tfjs-backend-cpu';
import { closeEngine, openEngine, portableEngine } from '@loran/tensor';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withDecoderFolder } from '../__fixtures__/decoders.js';
import { fromSource, relativeDifference, scoresOf, withOutput, withRandomAdapter } from '../__fixtures__/merged.js';
import { loadLanguageModel, loadSequenceClassifier } from '../open-model.js';
import { saveMergedModel } from './save-merged-model.js';

beforeAll(() => openEngine(portableEngine('cpu')));
afterAll(closeEngine);

type Model = Parameters<typeof saveMergedModel>[1];

const save = (folder: string, model: Model, adapters: AdapterSet, out: string) =>
  fromSource(folder, (source) => saveMergedModel(source, model, adapters, out));

const config = (folder: string) =>
  JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as Record<string, unknown>;

const inFolder = (name: string, use: (folder: string, out: string) => Promise<void>) =>
  withDecoderFolder(name, (folder) => withOutput((out) => use(folder, out)));

describe('a head', () => {
  test('a head that was tied is written beside its embedding once an adapter changes one of them', () =>
    inFolder('llama3', async (folder, out) => {
      const model = await loadLanguageModel(folder);
      const adapters = await withRandomAdapter(model, ['embed_tokens']);
      const { warnings } = await save(folder, model, adapters, out);
      expect(warnings.join()).toMatch(/lm_head/);
      expect(config(out)['tie_word_embeddings']).toBe(false);
      const merged = await loadLanguageModel(out);
      expect(await relativeDifference(scoresOf(merged), scoresOf(model))).toBeLessThan(1e-5);
    }));

  test('a classifier begun anew on a causal model gets its class and its labels', () =>
    inFolder('gpt2', async (folder, out) => {
      const model = await loadSequenceClassifier(folder, { labels: ['no', 'yes'], seed: 3 });
      const adapters = new AdapterSet(model);
      await adapters.add({ method: lora, targetModules: ['c_attn'], modulesToSave: ['score'] });
      const saved = adapters.get('default').savedModules.get('score')!.parameters.get('weight')!;
      saved.assign(tf.mul(saved, 2));
      await save(folder, model, adapters, out);
      expect(config(out)).toMatchObject({
        architectures: ['GPT2ForSequenceClassification'],
        id2label: { 0: 'no', 1: 'yes' },
      });
      const merged = await loadSequenceClassifier(out);
      expect(merged.labels).toEqual(['no', 'yes']);
      expect(merged.initialised).toEqual([]);
      const ids = tf.tensor2d([[1, 5, 9, 4]], undefined, 'int32');
      expect(await relativeDifference(merged.logits({ ids }), model.logits({ ids }))).toBeLessThan(1e-6);
      const file = await openSafetensorsFolder(out);
      expect([...file.tensors.keys()]).not.toContain('lm_head.weight');
      await file.close();
    }));

  test('BERT with its classifier', () =>
    withOutput(async (out) => {
      const folder = fileURLToPath(new URL('../__fixtures__/tiny-bert', import.meta.url));
      const model = await loadSequenceClassifier(folder);
      const adapters = await withRandomAdapter(model, ['query', 'dense']);
      await save(folder, model, adapters, out);
      const merged = await loadSequenceClassifier(out);
      const ids = tf.tensor2d([[2, 5, 9, 3]], undefined, 'int32');
      expect(await relativeDifference(merged.logits({ ids }), model.logits({ ids }))).toBeLessThan(1e-5);
    }));
});
