/** Adapters that PEFT made on models with added tokens, in each of the ways in which it keeps their embeddings. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AdapterSet, loadAdapter, saveAdapter } from '@loran/adapter';
import { openSafetensors, openSafetensorsFolder } from '@loran/formats';
import { lora } from '@loran/lora';
import '@tensorflow/tfjs-backend-cpu';
import { closeEngine, openEngine, portableEngine } from '@loran/tensor';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withDecoderFolder } from '../__fixtures__/decoders.js';
import { relativeDifference, scoresOf, withOutput } from '../__fixtures__/merged.js';
import { saveMergedModel } from '../export/save-merged-model.js';
import type { LanguageModel } from '../language-model.js';
import type { ModelSource } from '../model-family.js';
import { loadLanguageModel } from '../open-model.js';
import { openModel } from '../source/open-source.js';
import { loadTokenizer } from '../tokenizer/load-tokenizer.js';
import { withVocabulary } from './with-vocabulary.js';

beforeAll(() => openEngine(portableEngine('cpu')));
afterAll(closeEngine);

interface Golden {
  readonly base: string;
  readonly tokens: string[];
  readonly text: string;
  readonly ids: number[];
  readonly logits: number[][];
}

// made by tools/parity/added_tokens.py
const folderOf = (name: string): string =>
  fileURLToPath(new URL(`../__fixtures__/added-tokens/${name}`, import.meta.url));
const goldenOf = (name: string) => JSON.parse(readFileSync(join(folderOf(name), 'logits.json'), 'utf8')) as Golden;

/** The base with the adapter's tokenizer, and the adapter on it. */
async function withAdapter(
  name: string,
  use: (golden: Golden, model: LanguageModel, set: AdapterSet, source: ModelSource) => Promise<void>,
): Promise<void> {
  const golden = goldenOf(name);
  await withDecoderFolder(golden.base, async (folder) => {
    const base = await openModel(folder);
    const source = withVocabulary(base, { tokenizer: await loadTokenizer(folderOf(name)) });
    const model = await loadLanguageModel(source);
    const set = new AdapterSet(model);
    await loadAdapter(set, folderOf(name), { methods: [lora] });
    await use(golden, model, set, source);
    await source.weights.close();
  });
}

const cases = [
  ['saved', false],
  ['tied', true],
  ['automatic', true],
] as const;

test.each(cases)('%s: the same ids and logits, merged as well', (name, tied) =>
  withAdapter(name, async ({ text, ids, logits, tokens }, model, set, source) => {
    expect(model.tokenizer.encode([text])).toEqual([ids]);
    expect(model.tokenizer.decode(ids)).toBe(text);
    expect(model.vocabularySize).toBe(99);
    const expected = tf.tensor2d(logits);
    expect(await relativeDifference(scoresOf(model, [ids]), expected)).toBeLessThan(1e-5);

    await withOutput(async (out) => {
      await saveMergedModel(source, model, set, out);
      const config = JSON.parse(readFileSync(join(out, 'config.json'), 'utf8')) as Record<string, unknown>;
      expect(config).toMatchObject({ vocab_size: 99, tie_word_embeddings: tied });
      const file = await openSafetensorsFolder(out);
      expect(file.tensors.get('model.embed_tokens.weight')?.shape).toEqual([99, 32]);
      expect(file.tensors.has('lm_head.weight')).toBe(!tied);
      await file.close();
      const merged = await loadLanguageModel(out);
      expect(merged.tokenizer.encode([tokens.join('')])).toEqual([[96, 97, 98]]);
      expect(await relativeDifference(scoresOf(merged, [ids]), expected)).toBeLessThan(1e-5);
    });
  }),
);

test.each(cases)('%s: saved again, it is the same adapter, a tied weight trained once', (name, tied) =>
  withAdapter(name, async ({ ids, logits }, model, set) => {
    const adapter = set.get('default');
    expect([...adapter.savedModules.values()].map(({ parameters }) => parameters.size)).toEqual(tied ? [1, 0] : [1, 1]);
    await withOutput(async (out) => {
      await saveAdapter(adapter, out);
      const file = await openSafetensors(join(out, 'adapter_model.safetensors'));
      for (const module of ['model.embed_tokens', 'lm_head']) {
        expect(file.tensors.get(`base_model.model.${module}.weight`)?.shape).toEqual([99, 32]);
      }
      await file.close();
      set.remove('default');
      await loadAdapter(set, out, { methods: [lora] });
      expect(await relativeDifference(scoresOf(model, [ids]), tf.tensor2d(logits))).toBeLessThan(1e-5);
    });
  }),
);

test('without the rows, shapes are said side by side', () =>
  withDecoderFolder('llama', async (folder) => {
    const set = new AdapterSet(await loadLanguageModel(folder));
    await expect(loadAdapter(set, folderOf('saved'), { methods: [lora] })).rejects.toThrow(/96.*99|99.*96/);
  }));
