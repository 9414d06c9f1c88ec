/** Models whose vocabulary grows or shrinks: every family of decoders, from folders and from GGUF files. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BaseStorage, bf16, fp32 } from '@loran/adapter';
import { openGguf, openSafetensorsFolder, toFloat32 } from '@loran/formats';
import '@tensorflow/tfjs-backend-cpu';
import { closeEngine, openEngine, portableEngine } from '@loran/tensor';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decoderNames, withDecoderFolder } from '../__fixtures__/decoders.js';
import { exampleIds, relativeDifference, scoresOf, withOutput } from '../__fixtures__/merged.js';
import { tinyBert } from '../__fixtures__/golden.js';
import { saveGguf } from '../export/gguf/save-gguf.js';
import { saveMergedModel } from '../export/save-merged-model.js';
import type { LanguageModel } from '../language-model.js';
import type { ModelSource } from '../model-family.js';
import { loadLanguageModel, loadSequenceClassifier } from '../open-model.js';
import { openModel } from '../source/open-source.js';
import { withAddedTokens, withVocabulary } from './with-vocabulary.js';

beforeAll(() => openEngine(portableEngine('cpu')));
afterAll(closeEngine);

const tokens = ['<tool>', '<end_tool>', '<think>'];
const fixtures = fileURLToPath(new URL('../__fixtures__', import.meta.url));

async function opened<T>(path: string, use: (source: ModelSource) => Promise<T>): Promise<T> {
  const source = await openModel(path);
  try {
    return await use(source);
  } finally {
    await source.weights.close();
  }
}

/** The scores of the tokens that there were before. */
const oldScores = (model: LanguageModel, count: number) => tf.slice(scoresOf(model), [0, 0], [-1, count]);

/** Rows of the embedding and of the head from `start` on, in fp32. */
function rowsFrom(model: LanguageModel, start: number): tf.Tensor2D[] {
  const matrices = [...model.modules().values()].filter(
    ({ path, frozen: { kind, rows } }) =>
      rows === model.vocabularySize && (kind === 'embedding' || model.outputHead.includes(path)),
  );
  return matrices.map(({ frozen }) => tf.slice(frozen.weight(), [start, 0]));
}

describe('grown', () => {
  test.each(decoderNames)('%s: old tokens score as before, new rows are the mean', (name) =>
    withDecoderFolder(name, (folder) =>
      opened(folder, async (source) => {
        const before = await loadLanguageModel(source);
        const grown = withAddedTokens(source, tokens);
        const model = await loadLanguageModel(grown);
        expect(model.vocabularySize).toBe(99);
        expect(model.fingerprint).toBe(before.fingerprint);
        expect(model.tokenizer.encode(['a<tool><think>'])).toEqual([[68, 96, 98]]);
        expect(await relativeDifference(oldScores(model, 96), scoresOf(before))).toBeLessThan(1e-6);
        const matrices = [rowsFrom(before, 0), rowsFrom(model, 96)];
        expect(matrices[1]).toHaveLength(2);
        for (const [i, rows] of matrices[1]!.entries()) {
          const mean = tf.tile(tf.mean(matrices[0]![i]!, 0, true), [3, 1]);
          expect(await relativeDifference(rows, mean)).toBeLessThan(1e-6);
        }
      }),
    ),
  );

  test.each<[string, BaseStorage]>([
    ['fp32', fp32],
    ['bf16', bf16],
  ])('with embeddings kept in %s, and written as a folder that is loaded again', (_, storage) =>
    withDecoderFolder('llama3', (folder) =>
      opened(folder, async (source) => {
        const grown = withAddedTokens(source, tokens);
        const model = await loadLanguageModel(grown, { embeddings: storage, base: storage });
        await withOutput(async (out) => {
          await saveMergedModel(grown, model, undefined, out, { dtype: 'BF16' });
          const again = await loadLanguageModel(out, { embeddings: bf16, base: bf16 });
          expect(again.vocabularySize).toBe(99);
          expect(again.tokenizer.encode(['<end_tool>'])).toEqual([[97]]);
          expect(await relativeDifference(scoresOf(again), scoresOf(model))).toBeLessThan(2e-2);
          const file = await openSafetensorsFolder(out);
          expect(file.tensors.get('model.embed_tokens.weight')).toMatchObject({ dtype: 'BF16', shape: [99, 32] });
          expect(file.tensors.has('lm_head.weight')).toBe(false); // tied still
          const { data } = await file.read('model.embed_tokens.weight');
          const values = toFloat32(data, 'BF16');
          expect(values.subarray(96 * 32, 97 * 32)).toEqual(values.subarray(98 * 32));
          await file.close();
        });
      }),
    ),
  );

  test.each(['llama', 'llama3', 'gemma3', 'gpt2', 'qwen3'])('from GGUF and to GGUF: %s', (name) =>
    opened(join(fixtures, 'gguf', `${name}.gguf`), (source) =>
      withOutput(async (_, parent) => {
        const rows = (await loadLanguageModel(source)).vocabularySize;
        const grown = withAddedTokens(source, tokens);
        const model = await loadLanguageModel(grown);
        const ids = model.tokenizer.encode(tokens, { addSpecialTokens: false }).flat();
        expect(ids).toHaveLength(3);
        expect(model.vocabularySize).toBe(Math.max(rows, ...ids.map((id) => id + 1)));
        const file = join(parent, 'model.gguf');
        await saveGguf(grown, model, undefined, file, { dtype: 'F32' });
        const gguf = await openGguf(file);
        const texts = gguf.fields.get('tokenizer.ggml.tokens')?.value as string[];
        const types = gguf.fields.get('tokenizer.ggml.token_type')?.value as Int32Array;
        expect(texts).toHaveLength(model.vocabularySize);
        expect(ids.map((id) => texts[id])).toEqual(tokens);
        expect(ids.map((id) => types[id])).toEqual([4, 4, 4]); // user-defined: found in every text
        await gguf.close();
        const again = await loadLanguageModel(file);
        const text = 'a<tool>b <end_tool>';
        expect(again.tokenizer.encode([text])).toEqual(model.tokenizer.encode([text]));
        const batch = again.tokenizer.encode([text]);
        expect(await relativeDifference(scoresOf(again, batch), scoresOf(model, batch))).toBeLessThan(1e-5);
      }),
    ),
  );

  test('ids that fit into rows that stand empty leave the matrices as they are', () =>
    withDecoderFolder('llama', async (folder) => {
      const file = join(folder, 'tokenizer.json');
      const json = JSON.parse(readFileSync(file, 'utf8')) as { model: { vocab: Record<string, number> } };
      json.model.vocab = Object.fromEntries(Object.entries(json.model.vocab).filter(([, id]) => id < 93));
      writeFileSync(file, JSON.stringify(json));
      await opened(folder, async (source) => {
        const grown = withAddedTokens(source, tokens);
        expect(grown.weights).toBe(source.weights);
        expect((await loadLanguageModel(grown)).tokenizer.encode([tokens.join('')])).toEqual([[93, 94, 95]]);
      });
    }));

  test('an encoder', () =>
    opened(tinyBert, async (source) => {
      const classifier = await loadSequenceClassifier(withAddedTokens(source, ['<tool>']));
      const ids = classifier.tokenizer.encode(['the <tool> sat']);
      expect(ids[0]).toContain(source.tokenizer.vocabularySize);
      const logits = classifier.logits({ ids: tf.tensor2d(ids, undefined, 'int32') });
      expect(await tf.all(tf.isFinite(logits)).data()).toEqual(new Uint8Array([1]));
    }));
});

test('cut off: fewer rows, as an adapter may have been trained with', () =>
  withDecoderFolder('qwen2', (folder) =>
    opened(folder, async (source) => {
      const before = await loadLanguageModel(source);
      const model = await loadLanguageModel(withVocabulary(source, { rows: 92 }));
      expect(model.vocabularySize).toBe(92);
      expect(exampleIds.flat().every((id) => id < 92)).toBe(true);
      expect(await relativeDifference(scoresOf(model), oldScores(before, 92))).toBeLessThan(1e-6);
    }),
  ));

describe('refused', () => {
  test('a family whose vocabulary is fixed', () =>
    withDecoderFolder('llama', (folder) =>
      opened(folder, (source) => {
        const t5 = { ...source, config: { model_type: 't5', vocab_size: 96 } };
        expect(() => withAddedTokens(t5, tokens)).toThrow(
          expect.objectContaining({
            code: 'VOCABULARY_FIXED',
            message: expect.stringMatching(/'t5'.*resize/) as string,
          }),
        );
        return Promise.resolve();
      }),
    ));

  test('a packed matrix', () =>
    withDecoderFolder('llama', (folder) =>
      opened(folder, (source) => {
        const tensors = new Map(source.weights.tensors);
        tensors.set('lm_head.weight', { dtype: 'U8', shape: [1536, 1], byteLength: 1536 });
        const packed = { ...source, weights: { ...source.weights, tensors } };
        expect(() => withAddedTokens(packed, tokens)).toThrow(/lm_head.weight is U8 \[1536, 1\], packed/);
        return Promise.resolve();
      }),
    ));
});
