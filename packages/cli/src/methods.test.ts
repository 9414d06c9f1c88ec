/** Each adapter method by its name: a few steps on the tiny Llama, and the adapter read again. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lastJson, run } from './__fixtures__/run.js';
import { folderWithLlama } from './__fixtures__/tiny-models.js';

let folder: string;
let model: string;
let pairs: string;

beforeAll(async () => {
  ({ folder, model } = await folderWithLlama('methods'));
  pairs = path.join(folder, 'pairs.jsonl');
  await writeFile(
    pairs,
    Array.from({ length: 4 }, (_, i) => `{"prompt":"${i}+1=","completion":"${i + 1}"}`).join('\n'),
  );
});
afterAll(() => rm(folder, { recursive: true }));

test.each([
  ['vera', 'VERA', ['--rank', '4', '--set', 'dInitial=0.2']],
  ['ia3', 'IA3', ['--set', 'feedforwardModules=.*down_proj', '--target-modules', 'k_proj,v_proj,down_proj']],
  ['hira', 'HIRA', ['--rank', '2', '--base', 'nf4']],
  ['peanut', 'PEANUT', ['--rank', '2', '--activation', 'mish', '--set', 'depth=1', '--base', 'nf4']],
])('%s is trained, saved and scored', async (method, peftType, flags) => {
  const output = path.join(folder, method);
  const trained = await run(
    ...['train', '--model', model, '--data', pairs, '--test', pairs, '--method', method, ...flags],
    ...['--steps', '2', '--batch-size', '4', '--output', output, '--json', '--quiet', '--device', 'cpu'],
  );
  expect(trained.err).not.toContain('error');
  expect(JSON.parse(await readFile(path.join(output, 'adapter_config.json'), 'utf8'))).toMatchObject({
    peft_type: peftType,
  });
  const scored = await run(
    ...[
      'evaluate',
      '--model',
      model,
      '--adapter',
      output,
      '--data',
      pairs,
      '--append-eos',
      '--json',
      '--device',
      'cpu',
    ],
  );
  expect(scored.err).not.toContain('error');
  const [before, after] = [trained, scored].map(({ out }) => lastJson(out).metrics.perplexity!.value);
  expect(after).toBeCloseTo(before!, 4);
});
