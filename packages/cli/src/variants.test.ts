/** The variants of LoRA on the command line: each trains, and the folder that it writes is scored the same. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lastJson, run } from './__fixtures__/run.js';
import { folderWithLlama } from './__fixtures__/tiny-models.js';

let folder: string;
let model: string;
let pairs: string;

beforeAll(async () => {
  ({ folder, model } = await folderWithLlama('variants'));
  pairs = path.join(folder, 'pairs.jsonl');
  const rows = Array.from({ length: 8 }, (_, i) => JSON.stringify({ prompt: `${i}+1=`, completion: `${i + 1}` }));
  await writeFile(pairs, rows.join('\n'));
});
afterAll(() => rm(folder, { recursive: true }));

test.each([
  ['init=eva', ['init=eva', 'eva={"rho":2,"examples":8}'], [], { init_lora_weights: 'eva' }],
  ['init=pissa with dora=true', ['init=pissa', 'dora=true'], [], { init_lora_weights: true, r: 8, use_dora: true }],
  ['init=loftq over nf4', ['init=loftq', 'loftqIterations=2'], ['--base', 'nf4'], { init_lora_weights: 'loftq' }],
  ['trainableTokens', ['trainableTokens=[5,6]', 'bias=all'], [], { trainable_token_indices: [5, 6], bias: 'all' }],
])('--set %s', async (name, settings, flags, fields) => {
  const output = path.join(folder, name.replaceAll(/\W/g, '-'));
  const base = [...flags, '--device', 'cpu', '--json'];
  const trained = await run(
    ...['train', '--model', model, '--data', pairs, '--test', pairs, '--rank', '4', '--alpha', '8', '--steps', '3'],
    ...settings.flatMap((setting) => ['--set', setting]),
    ...['--output', output, '--quiet', ...base],
  );
  expect(trained.err).not.toContain('error');
  const { value } = lastJson(trained.out).metrics.perplexity!;
  expect(JSON.parse(await readFile(path.join(output, 'adapter_config.json'), 'utf8'))).toMatchObject(fields);
  const scored = await run(
    ...['evaluate', '--model', model, '--adapter', output, '--data', pairs, '--append-eos', ...base],
  );
  expect(scored.err).not.toContain('error');
  expect(lastJson(scored.out).metrics.perplexity!.value / value).toBeCloseTo(1, 3);
});
