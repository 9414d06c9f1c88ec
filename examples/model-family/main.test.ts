/** The family on the weights of the tiny Llama, against what transformers computes (tools/parity/model_family.py). */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { loadLanguageModel, modelFamilies } from '@loran/models';
import { openEngine, portableEngine } from '@loran/tensor';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cwm } from './main.js';

interface Golden {
  readonly config: Readonly<Record<string, unknown>>;
  readonly text: number[];
  /** Of the last four tokens. */
  readonly scores: number[][];
}

const decoders = fileURLToPath(new URL('../../packages/models/src/__fixtures__/decoders', import.meta.url));
const golden = JSON.parse(await readFile(new URL('__fixtures__/cwm.json', import.meta.url), 'utf8')) as Golden;
let folder: string;

beforeAll(async () => {
  await openEngine(portableEngine('cpu'));
  folder = await mkdtemp(path.join(tmpdir(), 'loran-family-'));
  await cp(path.join(decoders, 'llama/model.safetensors'), path.join(folder, 'model.safetensors'));
  for (const file of ['tokenizer.json', 'tokenizer_config.json']) {
    await cp(path.join(decoders, file), path.join(folder, file));
  }
  await writeFile(path.join(folder, 'config.json'), JSON.stringify(golden.config));
});
afterAll(() => rm(folder, { recursive: true }));

test("the scores are transformers'", async () => {
  const model = await loadLanguageModel(folder, { families: modelFamilies().add(cwm) });
  const hidden = model.hidden({ ids: tf.tensor2d([golden.text], undefined, 'int32') });
  const scores = (await model.scores(hidden).array()).slice(-4);
  scores.flat().forEach((score, i) => {
    expect(score).toBeCloseTo(golden.scores.flat()[i]!, 4);
  });
  expect(model.targetModules).toEqual(['q_proj', 'v_proj']);
});

test('without the family, the error names the guide, which is there', async () => {
  const error = await loadLanguageModel(folder).catch(String);
  const [guide = 'no guide named'] = /docs\/\S+\.md/.exec(error as string) ?? [];
  expect(await readFile(new URL(`../../${guide}`, import.meta.url), 'utf8')).toContain('defineDecoderFamily');
});

test('a layer type that does not exist is refused', async () => {
  const config = { ...golden.config, layer_types: ['full_attention', 'chunked_attention', 'full_attention'] };
  await writeFile(path.join(folder, 'config.json'), JSON.stringify(config));
  await expect(loadLanguageModel(folder, { families: modelFamilies().add(cwm) })).rejects.toThrow(/layer_types\.1/);
});
