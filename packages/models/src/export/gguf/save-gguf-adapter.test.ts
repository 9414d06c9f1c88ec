/** An adapter for llama.cpp changes the tensors of its model's GGUF file by just what merging changes them by. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AdapterSet } from '@loran/adapter';
import { type GgufFile, openGguf } from '@loran/formats';
import { lora } from '@loran/lora';
import '@tensorflow/tfjs-backend-cpu';
import { closeEngine, openEngine, portableEngine } from '@loran/tensor';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withDecoderFolder } from '../../__fixtures__/decoders.js';
import { relativeDifference, scoresOf, withOutput, withRandomAdapter } from '../../__fixtures__/merged.js';
import type { LanguageModel } from '../../language-model.js';
import type { ModelSource } from '../../model-family.js';
import { loadLanguageModel } from '../../open-model.js';
import { openModel } from '../../source/open-source.js';
import { loadGgufAdapter } from './load-gguf-adapter.js';
import { saveGguf } from './save-gguf.js';
import { saveGgufAdapter } from './save-gguf-adapter.js';

beforeAll(() => openEngine(portableEngine('cpu')));
afterAll(closeEngine);

const f32 = { dtype: 'F32', withoutTokenizer: true } as const;

async function matrix(file: GgufFile, name: string): Promise<Tensor2D> {
  const { shape, data } = await file.read(name);
  return tf.tensor2d(new Float32Array(data.slice().buffer), shape as [number, number]);
}

test.each([
  ['llama', 'all-linear', { rank: 2, alpha: 3 }],
  ['llama', ['embed_tokens', 'lm_head', 'k_proj'], { rank: 2, alpha: 3, rsLora: true }],
  ['qwen3', ['q_proj'], {}],
  ['gpt2', 'all-linear', { rank: 1 }],
] as const)('%s with %j', (name, targets, config) =>
  withDecoderFolder(name, (folder) =>
    withOutput(async (_, parent) => {
      const file = (part: string) => join(parent, `${part}.gguf`);
      const model = await loadLanguageModel(folder);
      const source = await openModel(folder);
      await saveGguf(source, model, undefined, file('base'), f32);
      const adapters = await withRandomAdapter(model, targets, { rank: 2, ...config });
      await saveGgufAdapter(source, model, adapters.get('default'), file('adapter'));
      await saveGguf(source, model, adapters, file('merged'), f32);
      expect(await readBack(source, model, adapters, file('adapter'))).toBeLessThan(1e-6);
      await source.weights.close();

      const [base, adapter, merged] = await Promise.all(
        ['base', 'adapter', 'merged'].map((part) => openGguf(file(part))),
      );
      const field = (key: string) => adapter!.fields.get(key)?.value;
      expect([field('general.type'), field('adapter.type')]).toEqual(['adapter', 'lora']);
      expect(field('general.architecture')).toBe(base!.fields.get('general.architecture')?.value);
      const adapted = [...adapter!.tensors.keys()].flatMap((key) =>
        key.endsWith('.lora_a') ? [key.slice(0, -7)] : [],
      );
      expect(adapted.length).toBe(adapters.get('default').layers.size);
      for (const key of base!.tensors.keys()) {
        if (base!.tensors.get(key)!.shape.length < 2) continue;
        const change = tf.sub(await matrix(merged!, key), await matrix(base!, key));
        if (!adapted.includes(key)) {
          expect((await tf.max(tf.abs(change)).data())[0]).toBe(0);
          continue;
        }
        const [A, B] = [await matrix(adapter!, `${key}.lora_a`), await matrix(adapter!, `${key}.lora_b`)];
        const scale = (field('adapter.lora.alpha') as number) / B.shape[1]; // as llama.cpp has it
        const product = key === 'token_embd.weight' ? tf.matMul(A, B, false, true) : tf.matMul(B, A);
        expect(await relativeDifference(tf.mul(product, scale), change), key).toBeLessThan(1e-5);
      }
      await Promise.all([base, adapter, merged].map((opened) => opened!.close()));
    }),
  ),
);

/** The adapter read from its file beside itself: how far the scores are apart. */
async function readBack(
  source: ModelSource,
  model: LanguageModel,
  adapters: AdapterSet,
  file: string,
): Promise<number> {
  const expected = scoresOf(model);
  await loadGgufAdapter(source, model, adapters, file, { methods: [lora], name: 'read' });
  adapters.activate('read');
  const difference = await relativeDifference(scoresOf(model), expected);
  adapters.activate('default');
  return difference;
}

test('an adapter for another architecture, and a model in place of one, are refused', () =>
  withDecoderFolder('llama', (folder) =>
    withDecoderFolder('gpt2', (other) =>
      withOutput(async (_, parent) => {
        const model = await loadLanguageModel(folder);
        const source = await openModel(folder);
        await saveGguf(source, model, undefined, join(parent, 'model.gguf'), f32);
        const adapters = await withRandomAdapter(model, ['q_proj']);
        await saveGgufAdapter(source, model, adapters.get('default'), join(parent, 'adapter.gguf'), { dtype: 'F16' });
        await source.weights.close();
        const load = async (file: string) => {
          const gpt2 = await loadLanguageModel(other);
          const from = await openModel(other);
          await from.weights.close();
          return loadGgufAdapter(from, gpt2, new AdapterSet(gpt2), join(parent, file), { methods: [lora] });
        };
        await expect(load('adapter.gguf')).rejects.toThrow(/'general.architecture' is "llama"; expected "gpt2"/);
        await expect(load('model.gguf')).rejects.toThrow(/'general.type' is "model"; expected "adapter"/);
      }),
    ),
  ));

test('modules on which llama.cpp puts none are refused by name', () =>
  withDecoderFolder('llama3', (folder) =>
    withOutput(async (out) => {
      const model = await loadLanguageModel(folder);
      const source = await openModel(folder);
      const write = async (targetModules: string[], modulesToSave: string[] = []) => {
        const adapters = new AdapterSet(model);
        const adapter = await adapters.add({ method: lora, config: { rank: 1 }, targetModules, modulesToSave });
        try {
          await saveGgufAdapter(source, model, adapter, out);
        } finally {
          adapters.remove('default');
        }
      };
      await expect(write(['lm_head', 'q_proj'])).rejects.toThrow(/is on lm_head.*tied head is the embedding/);
      await expect(write(['q_proj'], ['embed_tokens'])).rejects.toMatchObject({ code: 'NOT_FACTORED' });
      await source.weights.close();
      expect(existsSync(out)).toBe(false);
    }),
  ));
