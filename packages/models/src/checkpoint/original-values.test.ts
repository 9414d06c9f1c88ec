/** Weights as the files have them, for methods that start from those rather than from what a base storage made of them. */
import { utimesSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AdapterSet, type AdapterMethod, type LayerRequest } from '@loran/adapter';
import { lora } from '@loran/lora';
import { nf4 } from '@loran/qlora';
import '@tensorflow/tfjs-backend-cpu';
import { closeEngine, openEngine, portableEngine } from '@loran/tensor';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withDecoderFolder, withTokenizer } from '../__fixtures__/decoders.js';
import { fromSource, withOutput } from '../__fixtures__/merged.js';
import { saveMergedModel } from '../export/save-merged-model.js';
import type { LanguageModel } from '../language-model.js';
import { loadLanguageModel } from '../open-model.js';

beforeAll(() => openEngine(portableEngine('cpu')));
afterAll(closeEngine);

/** Runs `use` on the layers as `prepare` gets them. */
async function prepared(
  model: LanguageModel,
  targetModules: readonly string[],
  use: (layers: readonly LayerRequest[]) => Promise<void>,
): Promise<void> {
  const method: AdapterMethod<never> = { ...(lora as AdapterMethod<never>), prepare: (layers) => use(layers) };
  await new AdapterSet(model).add({ method, targetModules: [...targetModules], config: { rank: 2 } as never });
}

/** Weights that `base: nf4` rounds, and the same ones kept in fp32. */
async function expectOriginals(path: string, targetModules: readonly string[]): Promise<void> {
  const [rounded, exact] = [await loadLanguageModel(path, { base: nf4 }), await loadLanguageModel(path)];
  await prepared(rounded, targetModules, async (layers) => {
    expect(layers.length).toBeGreaterThan(0);
    for (const { path: module, frozen, original } of layers) {
      const [own, kept] = [await original!(), exact.modules().get(module)!.frozen.weight()];
      expect(own.shape, module).toEqual([frozen.rows, frozen.columns]);
      expect(own.dataSync(), module).toEqual(kept.dataSync());
    }
  });
  rounded.dispose();
  exact.dispose();
}

test.each([
  ['llama', ['q_proj', 'down_proj']],
  ['gpt2', ['c_attn', 'wte', 'lm_head']], // [in, out] in the file, an embedding, and a head that is its weight
])('of a folder, closed since: %s', (name, targetModules) =>
  withDecoderFolder(name, (folder) => expectOriginals(folder, targetModules)),
);

test('of shards', () =>
  withDecoderFolder('llama', (folder) =>
    withOutput(async (out) => {
      const model = await loadLanguageModel(folder);
      await fromSource(folder, (source) => saveMergedModel(source, model, undefined, out, { maxShardBytes: 20_000 }));
      await expectOriginals(out, ['v_proj']);
    }),
  ));

test('of a GGUF file, whose rows stand in another order', () =>
  expectOriginals(fileURLToPath(new URL('../__fixtures__/gguf/llama.gguf', import.meta.url)), ['q_proj']));

test('of a checkpoint that holds them in 4 bits there are none', () =>
  withTokenizer(fileURLToPath(new URL('../__fixtures__/bnb/llama', import.meta.url)), async (folder) => {
    const model = await loadLanguageModel(folder, { base: nf4 });
    await prepared(model, ['q_proj'], (layers) => {
      expect(layers.map(({ original }) => original)).toEqual(layers.map(() => undefined));
      return Promise.resolve();
    });
  }));

test('of a file that is not the same any more they are refused', () =>
  withDecoderFolder('llama', async (folder) => {
    const model = await loadLanguageModel(folder, { base: nf4 });
    utimesSync(join(folder, 'model.safetensors'), 1, 1);
    await prepared(model, ['q_proj'], async ([layer]) => {
      await expect(layer!.original!()).rejects.toMatchObject({ code: 'FILE_CHANGED' });
    });
  }));
