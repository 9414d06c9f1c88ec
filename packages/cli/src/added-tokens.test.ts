/** Tokens of a user's own on the command line: learned with the default engine, written as text, merged, and in GGUF. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { openGguf } from '@loran/formats';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lastJson, run } from './__fixtures__/run.js';
import { folderWithLlama, tinyModel } from './__fixtures__/tiny-models.js';

let folder: string;
let model: string;
let calls: string;

beforeAll(async () => {
  ({ folder, model } = await folderWithLlama('tokens'));
  calls = path.join(folder, 'calls.jsonl');
  const rows = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((letter) => ({
    prompt: `${letter}: `,
    completion: `<tool>${letter}<a,b>`,
  }));
  await writeFile(calls, rows.map((row) => JSON.stringify(row)).join('\n'));
});
afterAll(() => rm(folder, { recursive: true }));

const cpu = ['--device', 'cpu'];

test('they are learned, written as text, and stay in what is merged and converted', async () => {
  const output = path.join(folder, 'adapter');
  const trained = await run(
    ...['train', '--model', model, '--data', calls, '--test', calls, '--add-tokens', '<tool>', '--add-token', '<a,b>'],
    ...['--target-modules', 'all-linear', '--learning-rate', '0.02', '--steps', '40', '--batch-size', '8'],
    ...['--output', output, '--json', '--quiet', ...cpu],
  );
  expect(trained.err).not.toContain('error');
  expect(lastJson(trained.out).metrics.perplexity!.value).toBeLessThan(1.5);

  const generate = ['--prompt', 'c: ', '--max-new-tokens', '4', '--json', ...cpu];
  const adapted = lastJson((await run('generate', '--model', model, '--adapter', output, ...generate)).out);
  expect(adapted).toMatchObject({ text: '<tool>c<a,b>', tokens: [96, 70, 97, 2] });

  const merged = path.join(folder, 'merged');
  await run('merge', '--model', model, '--adapter', output, '--output', merged, ...cpu);
  expect(lastJson((await run('generate', '--model', merged, ...generate)).out)).toEqual(adapted);
  expect(JSON.parse(await readFile(path.join(merged, 'config.json'), 'utf8'))).toMatchObject({ vocab_size: 98 });
});

test('a model whose vocabulary is fixed, and a token without a character, are refused', async () => {
  const t5 = await tinyModel('t5/flan', path.join(folder, 't5'));
  const fixed = await run('train', '--model', t5, '--data', calls, '--add-tokens', '<tool>', ...cpu);
  expect(fixed).toMatchObject({ exitCode: 1, err: expect.stringMatching(/VOCABULARY_FIXED.*'t5'/) as string });
  const empty = await run('train', '--model', model, '--data', calls, '--add-token', '', ...cpu);
  expect(empty).toMatchObject({ exitCode: 1, err: expect.stringContaining('INVALID_OPTIONS') as string });
});

test('of a GGUF file, and back into one', async () => {
  const gguf = fileURLToPath(new URL('../../models/src/__fixtures__/gguf/llama3.gguf', import.meta.url));
  const output = path.join(folder, 'adapter-gguf');
  const trained = await run(
    ...['train', '--model', gguf, '--data', calls, '--add-tokens', '<tool>,<end>', '--steps', '2', '--output', output],
    ...['--json', '--quiet', ...cpu],
  );
  expect(trained.err).not.toContain('error');
  const file = path.join(folder, 'model.gguf');
  const converted = await run(
    'convert',
    '--model',
    gguf,
    '--adapter',
    output,
    '--to',
    'gguf',
    '--output',
    file,
    ...cpu,
  );
  expect(converted.err).not.toContain('error');
  const { fields, tensors, close } = await openGguf(file);
  const tokens = fields.get('tokenizer.ggml.tokens')?.value as string[];
  expect(tokens.slice(-2)).toEqual(['<tool>', '<end>']);
  expect(tensors.get('token_embd.weight')?.shape[0]).toBe(tokens.length);
  await close();
  const made = await run('generate', '--model', file, '--prompt', '<tool>', '--max-new-tokens', '2', '--json', ...cpu);
  expect(lastJson(made.out)).toHaveProperty('tokens');
});
