/** Models that people use as GGUF files: their tokenizers, chat templates and scores come back. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AdapterSet } from '@loran/adapter';
import { testData } from '@loran/testing';
import '@tensorflow/tfjs-backend-cpu';
import { closeEngine, openEngine, portableEngine } from '@loran/tensor';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fromSource, relativeDifference, scoresOf, withOutput } from '../../__fixtures__/merged.js';
import type { LanguageModel } from '../../language-model.js';
import { loadLanguageModel } from '../../open-model.js';
import { openModel } from '../../source/open-source.js';
import { saveGguf, type SaveGgufOptions } from './save-gguf.js';

beforeAll(() => openEngine(portableEngine('cpu')));
afterAll(closeEngine);

const save = (folder: string, model: LanguageModel, adapters: AdapterSet, out: string, options?: SaveGgufOptions) =>
  fromSource(folder, (source) => saveGguf(source, model, adapters, out, options));

const smollm2 = testData('models/smollm2-135m-instruct-gguf');

test.skipIf(smollm2 === undefined)('SmolLM2 as Q8_0 has its tokenizer and chat template inside', () =>
  withOutput(async (_, parent) => {
    const model = await loadLanguageModel(smollm2!);
    const file = join(parent, 'smollm2.gguf');
    await save(smollm2!, model, new AdapterSet(model), file, { dtype: 'Q8_0' });
    const source = await openModel(file); // no tokenizer.json beside it
    const original = await openModel(smollm2!);
    const texts = ["Hello world, it's 2024!", '  Grüße 你好 🙂\n\n', '<|im_start|>user', 'x = f(y)\n\treturn 12345'];
    for (const allowSpecial of [false, true]) {
      expect(source.tokenizer.encode(texts, { allowSpecial })).toEqual(
        original.tokenizer.encode(texts, { allowSpecial }),
      );
    }
    const chat = [{ role: 'user', content: 'Hi' }] as const;
    expect(await source.tokenizer.applyChatTemplate(chat)).toBe(await original.tokenizer.applyChatTemplate(chat));
    expect(readFileSync(join(parent, 'Modelfile'), 'utf8')).toContain('PARAMETER stop "<|im_end|>"');
    await Promise.all([source.weights.close(), original.weights.close()]);
  }),
);

const stories = testData('models/stories260K');

test.skipIf(stories === undefined)("stories260K with SentencePiece's tokenizer", () =>
  withOutput(async (_, parent) => {
    const model = await loadLanguageModel(stories!);
    const file = join(parent, 'stories.gguf');
    const { warnings } = await save(stories!, model, new AdapterSet(model), file, { dtype: 'F32' });
    expect(warnings).toEqual([]);
    const written = await loadLanguageModel(file);
    const texts = ['Once upon a time, there was a dog.', ' two  spaces', 'Größe 🙂', ''];
    expect(written.tokenizer.encode(texts)).toEqual(model.tokenizer.encode(texts));
    const [ids = []] = model.tokenizer.encode(texts);
    expect(await relativeDifference(scoresOf(written, [ids]), scoresOf(model, [ids]))).toBeLessThan(1e-6);
  }),
);
