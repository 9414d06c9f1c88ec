/** The tour on a tiny random Llama, always; on SmolLM2 where it is at hand. */
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { testData } from '@loran/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { main } from './main.js';

const decoders = fileURLToPath(new URL('../../packages/models/src/__fixtures__/decoders', import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'loran-adapter-tour-'));
});
afterAll(() => rm(folder, { recursive: true }));

const fields = async (...parts: string[]) =>
  JSON.parse(await readFile(path.join(folder, ...parts, 'adapter_config.json'), 'utf8')) as Record<string, unknown>;

test('a tiny Llama goes through every stop', { timeout: 120_000 }, async () => {
  const model = path.join(folder, 'llama');
  await cp(path.join(decoders, 'llama'), model, { recursive: true });
  for (const file of ['tokenizer.json', 'tokenizer_config.json']) {
    await cp(path.join(decoders, file), path.join(model, file));
  }
  const options = { output: path.join(folder, 'tiny'), steps: 6, targetModules: '.*(q|down)_proj' };
  const { analysis, answers, combined, reduced } = await main({ model, ...options });
  expect(analysis.method).toBe('loran');
  expect(analysis.layers.length).toBeGreaterThan(1);
  for (const { nonlinearity, update } of analysis.layers) {
    expect(nonlinearity!.movement).toBeGreaterThan(0);
    expect(nonlinearity!.movement).toBeLessThan(5.1e-5); // at most the amplitude
    expect(update!.beyondRank.energy).toBeLessThan(1e-6);
  }
  expect(reduced.error).toBeLessThan(1e-3);
  expect(combined.lost).toBeGreaterThan(0);
  expect(answers.merged).toBe(answers.json);
  expect(answers.reduced).toBe(answers.json);
  expect(await fields('tiny', 'json')).toMatchObject({ peft_type: 'LORAN', activation: 'sinter' });
  expect(await fields('tiny', 'both')).toMatchObject({ peft_type: 'LORA', r: 8 });
  expect(await fields('tiny', 'json-as-lora')).toMatchObject({ peft_type: 'LORA', r: 8 });
  expect(await readFile(path.join(folder, 'tiny', 'spectra.html'), 'utf8')).toContain('<svg');
});

test('SmolLM2 notes errands in two manners', { timeout: 900_000 }, async (ctx) => {
  const model = testData('models/smollm2-135m-instruct-gguf/SmolLM2-135M-Instruct.Q4_1.gguf');
  if (model === undefined) return ctx.skip('LORAN_TEST_DATA has no models/smollm2-135m-instruct-gguf');
  const { answers } = await main({ model, output: path.join(folder, 'smollm2'), steps: 20 });
  expect(answers.base).not.toContain('"who"');
  expect(answers.json).toMatch(/^\{"who":"/);
  expect(answers.list).toMatch(/^- \[ \]/);
  expect(answers.reduced).toBe(answers.json);
  expect(answers.merged).toBe(answers.json);
});
