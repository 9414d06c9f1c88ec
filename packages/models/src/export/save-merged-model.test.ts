import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AdapterSet } from '@loran/adapter';
import { openSafetensorsFolder } from '@loran/formats';
import { nf4 } from '@loran/qlora';
import '@tensorflow/tfjs-backend-cpu';
import { closeEngine, openEngine, portableEngine } from '@loran/tensor';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decoderNames, withDecoderFolder } from '../__fixtures__/decoders.js';
import { fromSource, relativeDifference, scoresOf, withOutput, withRandomAdapter } from '../__fixtures__/merged.js';
import { loadLanguageModel, loadSequenceClassifier } from '../open-model.js';
import { pythonJson } from './python-json.js';
import { saveMergedModel, type SaveMergedModelOptions } from './save-merged-model.js';

beforeAll(() => openEngine(portableEngine('cpu')));
afterAll(closeEngine);

type Model = Parameters<typeof saveMergedModel>[1];

const save = (folder: string, model: Model, adapters: AdapterSet, out: string, options?: SaveMergedModelOptions) =>
  fromSource(folder, (source) => saveMergedModel(source, model, adapters, out, options));

const config = (folder: string) =>
  JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as Record<string, unknown>;

test.each(decoderNames)('%s: the merged folder computes what model and adapter do', (name) =>
  withDecoderFolder(name, (folder) =>
    withOutput(async (out) => {
      const model = await loadLanguageModel(folder);
      const plain = scoresOf(model);
      const adapters = await withRandomAdapter(model);
      const expected = scoresOf(model);
      await save(folder, model, adapters, out);
      const merged = await loadLanguageModel(out);
      expect(await relativeDifference(scoresOf(merged), expected)).toBeLessThan(1e-5);
      expect(await relativeDifference(plain, expected)).toBeGreaterThan(1e-2);

      const [before, after] = [await openSafetensorsFolder(folder), await openSafetensorsFolder(out)];
      expect([...after.tensors.keys()].sort()).toEqual([...before.tensors.keys()].sort());
      for (const [key, { shape }] of before.tensors) {
        expect(after.tensors.get(key)?.shape).toEqual(shape);
        if (/norm|ln_/.test(key)) expect((await after.read(key)).data).toEqual((await before.read(key)).data);
      }
      await Promise.all([before.close(), after.close()]);
      model.dispose();
      merged.dispose();
    }),
  ),
);

describe('of one model', () => {
  const inFolder = (name: string, use: (folder: string, out: string) => Promise<void>) =>
    withDecoderFolder(name, (folder) => withOutput((out) => use(folder, out)));

  test.each([
    ['F16', 1e-2],
    ['BF16', 1e-1],
  ] as const)('in %s, in shards that an index names', (dtype, tolerance) =>
    inFolder('llama', async (folder, out) => {
      const model = await loadLanguageModel(folder);
      const adapters = await withRandomAdapter(model);
      const { files } = await save(folder, model, adapters, out, { dtype, maxShardBytes: 20_000 });
      expect(files).toContain('model.safetensors.index.json');
      expect(config(out)['dtype']).toBe(dtype === 'F16' ? 'float16' : 'bfloat16');
      const merged = await loadLanguageModel(out);
      expect(merged.warnings).toEqual([]);
      const difference = await relativeDifference(scoresOf(merged), scoresOf(model));
      expect(difference).toBeLessThan(tolerance);
      expect(difference).toBeGreaterThan(0);
    }),
  );

  test('tokenizer, chat templates and generation settings come along; a quantisation does not', () =>
    inFolder('llama', async (folder, out) => {
      writeFileSync(join(folder, 'chat_template.jinja'), '{{ messages }}');
      mkdirSync(join(folder, 'additional_chat_templates'));
      writeFileSync(join(folder, 'additional_chat_templates', 'tool.jinja'), '{{ tools }}');
      writeFileSync(join(folder, 'notes.txt'), 'private');
      writeFileSync(
        join(folder, 'config.json'),
        JSON.stringify({ ...config(folder), quantization_config: { bits: 4 } }),
      );
      const model = await loadLanguageModel(folder);
      await save(folder, model, new AdapterSet(model), out);
      for (const file of [
        'tokenizer.json',
        'tokenizer_config.json',
        'chat_template.jinja',
        'additional_chat_templates/tool.jinja',
      ]) {
        expect(readFileSync(join(out, file))).toEqual(readFileSync(join(folder, file)));
      }
      expect(config(out)).toEqual({ ...config(folder), quantization_config: undefined, dtype: 'float32' });
      expect(readdirSync(out).sort()).toEqual([
        'additional_chat_templates',
        'chat_template.jinja',
        'config.json',
        'generation_config.json',
        'model.safetensors',
        'tokenizer.json',
        'tokenizer_config.json',
      ]);
      expect(readFileSync(join(out, 'model.safetensors'))).toEqual(readFileSync(join(folder, 'model.safetensors')));
    }));

  test('whole numbers that Python knows as floats stay floats', () =>
    inFolder('gemma2', async (folder, out) => {
      const model = await loadLanguageModel(folder);
      await save(folder, model, new AdapterSet(model), out);
      const text = readFileSync(join(out, 'config.json'), 'utf8');
      expect(text).toMatch(/"attn_logit_softcapping": 5\.0,/);
      expect(text).toMatch(/"attention_dropout": 0\.0,/);
      expect(text).toMatch(/"num_hidden_layers": 3,/);
      expect(pythonJson({ rope_theta: 10000, top_p: 1, top_k: 50 })).toMatch(
        /10000\.0,\n {2}"top_p": 1\.0,\n {2}"top_k": 50\n/,
      );
    }));

  test('over NF4 the merged model computes what the quantised one does', () =>
    inFolder('llama', async (folder, out) => {
      const model = await loadLanguageModel(folder, { base: nf4 });
      const adapters = await withRandomAdapter(model, ['q_proj']);
      await save(folder, model, adapters, out);
      const merged = await loadLanguageModel(out);
      expect(await relativeDifference(scoresOf(merged), scoresOf(model))).toBeLessThan(1e-5);
    }));

  test.each(['llama', 'gpt2'])(
    'of 4-bit codes by bitsandbytes (%s) floats are written, and nothing of the codes',
    (name) =>
      withOutput(async (out, parent) => {
        const folder = join(parent, 'base');
        cpSync(fileURLToPath(new URL(`../__fixtures__/bnb/${name}`, import.meta.url)), folder, { recursive: true });
        const tokenizer = fileURLToPath(new URL('../__fixtures__/decoders/tokenizer.json', import.meta.url));
        cpSync(tokenizer, join(folder, 'tokenizer.json'));
        const model = await loadLanguageModel(folder, { base: nf4 });
        const adapters = await withRandomAdapter(model);
        await save(folder, model, adapters, out, { dtype: 'F32' });
        const merged = await loadLanguageModel(out);
        expect(await relativeDifference(scoresOf(merged), scoresOf(model))).toBeLessThan(1e-5);
        expect(config(out)['quantization_config']).toBeUndefined();
        const file = await openSafetensorsFolder(out);
        for (const [key, { dtype }] of file.tensors)
          expect([key, dtype]).toEqual([key.replace(/weight\..*/, 'weight'), 'F32']);
        await file.close();
      }),
  );

  test('a folder that holds something is kept unless it is to be overwritten', () =>
    inFolder('llama', async (folder, out) => {
      const model = await loadLanguageModel(folder);
      mkdirSync(out);
      writeFileSync(join(out, 'precious.txt'), 'mine');
      const adapters = new AdapterSet(model);
      await expect(save(folder, model, adapters, out)).rejects.toMatchObject({ code: 'FOLDER_NOT_EMPTY' });
      expect(readdirSync(out)).toEqual(['precious.txt']);
      await save(folder, model, adapters, out, { overwrite: true });
      expect(existsSync(join(out, 'precious.txt'))).toBe(false);
      await expect(save(folder, model, adapters, folder, { overwrite: true })).rejects.toMatchObject({
        code: 'NOT_EXPORTABLE',
      });
    }));

  test('a diverged adapter leaves nothing behind', () =>
    inFolder('llama', async (folder, out) => {
      const model = await loadLanguageModel(folder);
      const adapters = await withRandomAdapter(model);
      const [B] = [...adapters.get('default').layers.values()].at(-1)!.parameters.values();
      B!.assign(tf.fill(B!.shape, Number.NaN));
      await expect(save(folder, model, adapters, out)).rejects.toMatchObject({ code: 'NON_FINITE' });
      expect(readdirSync(join(out, '..'))).toEqual([]);
    }));
});

test('weights of the same shapes are told apart, whatever they are kept in', () =>
  withDecoderFolder('llama', (folder) =>
    withOutput(async (out, parent) => {
      const model = await loadLanguageModel(folder);
      const adapters = await withRandomAdapter(model, ['q_proj']);
      await save(folder, model, adapters, out);
      cpSync(folder, join(parent, 'copy'), { recursive: true });
      const fingerprints = await Promise.all(
        [
          () => loadLanguageModel(join(parent, 'copy'), { base: nf4 }),
          () => loadSequenceClassifier(folder, { labels: ['a', 'b'] }),
          () => loadLanguageModel(out),
        ].map(async (load) => (await load()).fingerprint),
      );
      expect(fingerprints[0]).toBe(model.fingerprint);
      expect(fingerprints[1]).toBe(model.fingerprint);
      expect(fingerprints[2]).not.toBe(model.fingerprint);
    }),
  ));
