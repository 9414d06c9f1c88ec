import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { lora } from '@loran/lora';
import { testData } from '@loran/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cpuLab, model, type Toy, toyTask } from './__fixtures__/toy-task.js';
import { inspect } from './inspect.js';

let toy: Toy;
beforeAll(async () => {
  toy = await toyTask();
});
afterAll(() => rm(toy.folder, { recursive: true }));

test('a model: its configuration, tokenizer and tensors', async () => {
  const found = await inspect(model);
  expect(found).toMatchObject({ kind: 'model', facts: { model_type: 'bert', tokenizer: { chatTemplates: [] } } });
  const words = found.tensors.find(({ name }) => name === 'bert.embeddings.word_embeddings.weight');
  expect(words).toEqual({ name: 'bert.embeddings.word_embeddings.weight', dtype: 'F32', shape: [79, 24] });
  expect(found.bytes).toBe(4 * found.parameters);
});

test('an adapter: its configuration and the run that made it', async () => {
  const output = path.join(toy.folder, 'adapter');
  const training = { steps: 1, batchSize: 8 };
  await cpuLab()
    .use(lora)
    .train({ model, data: toy.train, output, training, adapter: { method: 'lora', rank: 2 } });
  const found = await inspect(output);
  expect(found).toMatchObject({ kind: 'adapter', facts: { peft_type: 'LORA', r: 2, run: { status: 'finished' } } });
  expect(found.tensors.map(({ name }) => name)).toContain(
    'base_model.model.bert.encoder.layer.0.attention.self.query.lora_A.weight',
  );
});

test('a safetensors file alone', async () => {
  expect(await inspect(path.join(model, 'model.safetensors'))).toMatchObject({
    kind: 'safetensors',
    facts: { format: 'pt' },
  });
});

test('a GGUF file', async (context) => {
  const folder = testData('models/smollm2-135m-instruct-gguf');
  if (folder === undefined) return context.skip('LORAN_TEST_DATA is not set: SmolLM2 is not there.');
  const found = await inspect(path.join(folder, 'SmolLM2-135M-Instruct.Q4_1.gguf'));
  expect(found).toMatchObject({ kind: 'gguf', facts: { 'general.architecture': 'llama' }, parameters: 134_515_008 });
  expect(found.tensors.some(({ dtype }) => dtype === 'Q4_1')).toBe(true);
});

test('what is not there, and what is nothing known, are refused', async () => {
  await expect(inspect(path.join(toy.folder, 'nowhere'))).rejects.toMatchObject({ code: 'NOTHING_TO_INSPECT' });
  const folder = await mkdtemp(path.join(tmpdir(), 'loran-empty-'));
  await writeFile(path.join(folder, 'notes.txt'), 'nothing');
  await expect(inspect(folder)).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  await rm(folder, { recursive: true });
});
