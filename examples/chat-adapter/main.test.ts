/** The example on a tiny random Llama, always; on SmolLM2 where it is at hand. */
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { testData } from '@loran/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { main } from './main.js';

const decoders = fileURLToPath(new URL('../../packages/models/src/__fixtures__/decoders', import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'loran-chat-adapter-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('a tiny Llama is changed by a few steps, and the adapter is written for PEFT', { timeout: 120_000 }, async () => {
  const model = path.join(folder, 'llama');
  await cp(path.join(decoders, 'llama'), model, { recursive: true });
  for (const file of ['tokenizer.json', 'tokenizer_config.json']) {
    await cp(path.join(decoders, file), path.join(model, file));
  }
  const output = path.join(folder, 'tiny');
  const { before, after, run } = await main({ model, output, steps: 6 });
  expect(after).not.toBe(before);
  expect(run).toMatchObject({ task: 'language-model', steps: 6 });
  expect(await readdir(output)).toEqual(
    expect.arrayContaining(['README.md', 'adapter_config.json', 'adapter_model.safetensors', 'run.json']),
  );
  const config: unknown = JSON.parse(await readFile(path.join(output, 'adapter_config.json'), 'utf8'));
  expect(config).toMatchObject({ peft_type: 'LORA', task_type: 'CAUSAL_LM', r: 8, lora_alpha: 16 });
});

test('SmolLM2 answers in JSON afterwards', { timeout: 600_000 }, async (ctx) => {
  const model = testData('models/smollm2-135m-instruct-gguf/SmolLM2-135M-Instruct.Q4_1.gguf');
  if (model === undefined) return ctx.skip('LORAN_TEST_DATA has no models/smollm2-135m-instruct-gguf');
  const { before, after } = await main({ model, output: path.join(folder, 'smollm2'), steps: 18 });
  expect(before).not.toContain('"who"');
  expect(after).toMatch(/^\{"who":"Mia","what":"buy milk"/);
});
