/** Tokens of a user's own through a run: trained, measured again, generated with, merged, trained further. */
import { cpSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { sinter } from '@loran/activations';
import { openSafetensors } from '@loran/formats';
import { lora } from '@loran/lora';
import { loran } from '@loran/loran';
import { loadTokenizer } from '@loran/models';
import { nf4 } from '@loran/qlora';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cpuLab, type Toy, toyTask } from '../__fixtures__/toy-task.js';

const fixtures = fileURLToPath(new URL('../../../models/src/__fixtures__', import.meta.url));
const addTokens = ['<tool>', '<end_tool>'];
const training = { steps: 5, batchSize: 4, learningRate: 0.02, warmupSteps: 2, maxLength: 24 };
const lab = () => cpuLab().use(lora, loran, nf4, sinter);

let toy: Toy;
let data: string;
beforeAll(async () => {
  toy = await toyTask();
  data = path.join(toy.folder, 'calls.jsonl');
  const rows = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((letter) => ({
    prompt: `call ${letter}: `,
    completion: `<tool>${letter}<end_tool>`,
  }));
  await writeFile(data, rows.map((row) => JSON.stringify(row)).join('\n'));
});
afterAll(() => rm(toy.folder, { recursive: true }));

/** A tiny decoder with the tokenizer that they share. */
function decoder(name: string): string {
  const folder = path.join(toy.folder, name);
  cpSync(path.join(fixtures, 'decoders', name), folder, { recursive: true });
  for (const file of ['tokenizer.json', 'tokenizer_config.json']) {
    cpSync(path.join(fixtures, 'decoders', file), path.join(folder, file));
  }
  return folder;
}

const keysOf = async (adapter: string): Promise<Map<string, string>> => {
  const file = await openSafetensors(path.join(adapter, 'adapter_model.safetensors'));
  await file.close();
  return new Map([...file.tensors].map(([key, { shape }]) => [key, shape.join('×')]));
};
const json = async (file: string) => JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;

describe.each([
  ['llama', 'embed_tokens', false, 'lora', 'fp32'],
  ['llama3', 'embed_tokens', true, 'loran', 'nf4'],
  ['gpt2', 'wte', true, 'lora', 'fp32'],
] as const)('%s', (name, embedding, tied, method, base) => {
  test(`learns them with ${method} over ${base}, and keeps them`, async () => {
    const model = decoder(name);
    const output = path.join(toy.folder, 'adapter', name);
    const options = { model, base, data: { train: data, test: data }, training, addTokens };
    const run = await lab().train({ ...options, adapter: { method, rank: 2 }, output });
    const perplexity = run.metrics.perplexity!.value;

    expect(await json(path.join(output, 'adapter_config.json'))).toMatchObject({
      modules_to_save: [embedding, 'lm_head'],
      ...(tied ? { ensure_weight_tying: true } : {}),
    });
    const keys = await keysOf(output);
    const rows = [...keys].filter(([key]) => /(embed_tokens|wte|lm_head)\.weight$/.test(key)).map(([, shape]) => shape);
    expect(rows).toHaveLength(2);
    expect(rows.every((shape) => shape.startsWith('98×'))).toBe(true);
    expect((await loadTokenizer(output)).encode(['<tool>x<end_tool>'])).toEqual([[96, 91, 97]]);
    expect(await readFile(path.join(output, 'README.md'), 'utf8')).toContain('resize_token_embeddings(98)');
    expect(await json(path.join(output, 'run.json'))).toMatchObject({ configuration: { addTokens } });

    const again = await lab().evaluate({ model, adapter: output, data, appendEnd: true });
    expect(again.metrics.perplexity!.value).toBeCloseTo(perplexity, 4);
    const generator = await lab().generator({ model, adapters: [output] });
    expect(await generator.encode('<tool>')).toEqual([96]);
    expect(generator.model.vocabularySize).toBe(98);
    generator.dispose();

    const merged = path.join(toy.folder, 'merged', name);
    await lab().export({ model, adapters: [output], base, output: merged, overwrite: true });
    expect(await json(path.join(merged, 'config.json'))).toMatchObject({ vocab_size: 98 });
    const whole = await lab().evaluate({ model: merged, data, appendEnd: true });
    expect(whole.metrics.perplexity!.value).toBeCloseTo(perplexity, 3);

    const further = path.join(toy.folder, 'further', name);
    const warm = await lab().train({
      model,
      base,
      data: { train: data, test: data },
      training: { ...training, steps: 2 },
      startFrom: output,
      output: further,
    });
    expect(warm.metrics.perplexity!.value).toBeLessThan(2 * perplexity);
    expect((await loadTokenizer(further)).encode(['<end_tool>'])).toEqual([[97]]);
  });
});

test('a classifier on texts with them', async () => {
  const model = decoder('qwen2');
  const output = path.join(toy.folder, 'adapter', 'classifier');
  const settings = { model, data: { train: toy.train, test: toy.test }, addTokens: ['good'], output };
  const run = await lab().train({ ...settings, training: { ...training, maxLength: 18 } });
  expect(await json(path.join(output, 'adapter_config.json'))).toMatchObject({
    modules_to_save: ['score', 'embed_tokens'],
  });
  const again = await lab().evaluate({ model, adapter: output, data: toy.test });
  expect(again.predictions).toEqual(run.predictions);
});

describe('refused', () => {
  const train = (more: object) => lab().train({ model: decoder('llama'), data, training, ...more });

  test('an empty token, one named twice, and tokens for an adapter that is trained further', async () => {
    await expect(train({ addTokens: [''] })).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    await expect(train({ addTokens: ['<a>', '<a>'] })).rejects.toMatchObject({ code: 'INVALID_ADDED_TOKENS' });
    const startFrom = path.join(toy.folder, 'adapter', 'llama');
    await expect(train({ addTokens, startFrom })).rejects.toThrow(/addTokens cannot be changed/);
  });

  test('a tokenizer with other ids, and adapters of different vocabularies', async () => {
    const model = decoder('llama');
    const [one, other] = ['llama', 'other'].map((name) => path.join(toy.folder, 'adapter', name)) as [string, string];
    await lab().train({ model, data, training: { ...training, steps: 1 }, addTokens: ['<tool>'], output: other });
    await expect(lab().generator({ model, adapters: [one, other] })).rejects.toMatchObject({
      code: 'VOCABULARY_CONFLICT',
    });
    const file = path.join(other, 'tokenizer.json');
    const tokenizer = await readFile(file, 'utf8');
    await writeFile(file, tokenizer.replace('"a":68', '"a":69').replace('"b":69', '"b":68'));
    await expect(lab().evaluate({ model, adapter: other, data })).rejects.toThrow(/gives "a" the id 69.*gives it 68/);
  });

  test('a folder with the tokenizer of something else is left alone', async () => {
    const output = decoder('mistral');
    await expect(train({ addTokens, output })).rejects.toThrow(/already holds tokenizer.json/);
  });
});
