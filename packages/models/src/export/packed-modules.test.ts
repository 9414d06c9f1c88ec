import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AdapterSet, fp32 } from '@loran/adapter';
import { openSafetensorsFolder } from '@loran/formats';
import { createNf4, fp4, nf4 } from '@loran/qlora';
import '@tensorflow/tfjs-backend-cpu';
import { closeEngine, openEngine, portableEngine } from '@loran/tensor';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withDecoderFolder, withTokenizer } from '../__fixtures__/decoders.js';
import { relativeDifference, scoresOf, withOutput, withRandomAdapter } from '../__fixtures__/merged.js';
import type { LanguageModel } from '../language-model.js';
import { loadLanguageModel } from '../open-model.js';
import { openModel } from '../source/open-source.js';
import { saveMergedModel, type SaveMergedModelOptions } from './save-merged-model.js';

beforeAll(() => openEngine(portableEngine('cpu')));
afterAll(closeEngine);

const fixture = (name: string) => fileURLToPath(new URL(`../__fixtures__/bnb/${name}`, import.meta.url));

async function save(
  folder: string,
  model: LanguageModel,
  out: string,
  { adapters = new AdapterSet(model), ...options }: SaveMergedModelOptions & { adapters?: AdapterSet } = {},
) {
  const source = await openModel(folder);
  try {
    return await saveMergedModel(source, model, adapters, out, { packed: nf4, ...options });
  } finally {
    await source.weights.close();
  }
}

const configOf = (folder: string) =>
  JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as Record<string, Record<string, unknown>>;

test.each([
  ['llama', nf4],
  ['llama-fp4', fp4],
  ['gpt2', nf4],
])("%s: bitsandbytes' checkpoint is written as it came, byte for byte", (name, base) =>
  withTokenizer(fixture(name), (folder) =>
    withOutput(async (out) => {
      const model = await loadLanguageModel(folder, { base });
      const { warnings } = await save(folder, model, out, { packed: base });
      expect(warnings).toEqual([]);
      const [before, after] = [await openSafetensorsFolder(folder), await openSafetensorsFolder(out)];
      expect([...after.tensors]).toEqual([...before.tensors]);
      for (const key of before.tensors.keys()) expect(await after.read(key)).toEqual(await before.read(key));
      await Promise.all([before.close(), after.close()]);
      const unpacked = name === 'gpt2' ? ['transformer.wpe', 'transformer.wte'] : ['model.embed_tokens'];
      expect(configOf(out)).toEqual({
        ...configOf(folder),
        quantization_config: {
          ...configOf(folder)['quantization_config'],
          llm_int8_skip_modules: ['lm_head', ...unpacked],
        },
      });
      expect(readFileSync(join(out, 'config.json'), 'utf8')).toMatch(/"llm_int8_threshold": 6\.0,/); // a float, to Python
    }),
  ),
);

test.each([true, false])(
  'what was quantised here is loaded again with equal scores; double: %s',
  (doubleQuantisation) =>
    withDecoderFolder('qwen2', (folder) =>
      withOutput(async (out) => {
        const base = createNf4({ doubleQuantisation });
        const mixed = (path: string) => (path.includes('down_proj') ? fp32 : base);
        const model = await loadLanguageModel(folder, { base: mixed });
        await save(folder, model, out, { maxShardBytes: 20_000, dtype: 'F32' });
        const again = await loadLanguageModel(out, { base: mixed });
        expect(again.warnings).toEqual([]);
        expect(await relativeDifference(scoresOf(again), scoresOf(model))).toBe(0);
        const { quantization_config: config } = configOf(out);
        expect(config).toMatchObject({ bnb_4bit_use_double_quant: doubleQuantisation, quant_method: 'bitsandbytes' });
        expect(config!['llm_int8_skip_modules']).toContain('model.layers.0.mlp.down_proj');
      }),
    ),
);

test('adapters are merged, and their layers quantised again', () =>
  withDecoderFolder('llama', (folder) =>
    withOutput(async (out) => {
      const base = createNf4({ doubleQuantisation: false });
      const model = await loadLanguageModel(folder, { base });
      const plain = scoresOf(model);
      const adapters = await withRandomAdapter(model, ['v_proj']);
      const { warnings } = await save(folder, model, out, { adapters });
      expect(warnings.join()).toMatch(/3 layers .+ quantised again, model\.layers\.0\.self_attn\.v_proj the first/);
      expect(warnings.join()).toMatch(/Weights were quantised: by [\d.]+ % of their size/);
      const merged = scoresOf(await loadLanguageModel(out, { base }));
      await adapters.merge({ requantise: true });
      expect(await relativeDifference(merged, scoresOf(model))).toBeLessThan(1e-5);
      expect(await relativeDifference(merged, plain)).toBeGreaterThan(1e-2);
    }),
  ));

test('a storage that the model is not kept in, or that no checkpoint knows, is refused', () =>
  withDecoderFolder('llama', (folder) =>
    withOutput(async (out) => {
      const model = await loadLanguageModel(folder);
      await expect(save(folder, model, out)).rejects.toThrow(/No layer of the model is kept in 'nf4'/);
      await expect(save(folder, model, out, { packed: fp32 })).rejects.toMatchObject({ code: 'NOT_EXPORTABLE' });
    }),
  ));
