import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { run } from './__fixtures__/run.js';

const model = fileURLToPath(new URL('../../models/src/__fixtures__/decoders/llama', import.meta.url));

test('an estimate has a line for each part, and with --json the numbers; a wrong base is named', async () => {
  const flags = ['estimate', '--model', model, '--rank', '2', '--batch-size', '2', '--max-length', '8'];
  const { exitCode, out } = await run(...flags, '--base', 'nf4', '--optimizer', 'adamw-8bit');
  expect(exitCode).toBe(0);
  expect(out).toMatch(
    /frozen weights \(nf4\) +\d+ MB\nadapter \(lora, fp32\) +\d+ MB\noptimiser \(adamw-8bit\) +\d+ MB\n/,
  );
  expect(out).toMatch(/gradients of 2 × 8 tokens +\d+ MB\nruntime +\d+ MB\npeak +\d+ MB\ntrainable params: /);
  const json = await run(...flags, '--json');
  expect(JSON.parse(json.out)).toMatchObject({ task: 'language-model', base: 'fp32', batchSize: 2, length: 8 });
  const wrong = await run(...flags, '--base', 'nf5');
  expect(wrong.exitCode).toBe(1);
  expect(wrong.err).toContain("Unknown base-storage 'nf5'");
});
