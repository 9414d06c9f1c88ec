/** Analysing and reducing a LoRAN adapter on the command line, with the default engine. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { AdapterAnalysis } from '@loran/analysis';
import type { ReduceResult } from '@loran/experiments';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from './__fixtures__/run.js';
import { folderWithLlama } from './__fixtures__/tiny-models.js';

const cpu = ['--device', 'cpu'];
let folder: string;
let model: string;
let adapter: string;

beforeAll(async () => {
  ({ folder, model } = await folderWithLlama('analyse'));
  const pairs = path.join(folder, 'pairs.jsonl');
  const rows = Array.from({ length: 8 }, (_, i) => JSON.stringify({ prompt: `${i}+1=`, completion: `${i + 1} yes` }));
  await writeFile(pairs, rows.join('\n'));
  adapter = path.join(folder, 'loran');
  const trained = await run(
    ...['train', '--model', model, '--data', pairs, '--test-share', '0', '--steps', '6', '--batch-size', '8'],
    ...['--method', 'loran', '--activation', 'tanh', '--rank', '2', '--alpha', '8', '--learning-rate', '0.05'],
    ...['--target-modules', 'q_proj,v_proj', '--output', adapter, '--quiet', ...cpu],
  );
  expect(trained.err).not.toContain('error');
}, 60_000);
afterAll(() => rm(folder, { recursive: true }));

const chosen = () => ['--model', model, '--adapter', adapter, ...cpu];

const answer = async (used: string) => {
  const { out, err } = await run(
    ...['generate', '--model', model, '--adapter', used, '--prompt', '3+1=', '--max-new-tokens', '6', '--json', ...cpu],
  );
  expect(err).not.toContain('error');
  return (JSON.parse(out.trimEnd().split('\n').at(-1)!) as { tokens: number[] }).tokens;
};

test('analyse: a table, JSON, and a plot', async () => {
  const plot = path.join(folder, 'spectra.html');
  const shown = await run('analyse', ...chosen(), '--plot', plot);
  expect(shown.err).not.toContain('error');
  expect(shown.err).toContain(`Plot: ${plot}`);
  expect(shown.out).toMatch(/^default: loran, 6 layers\nlayer +shape .*moved by f/);
  expect(await readFile(plot, 'utf8')).toContain('model.layers.0.self_attn.q_proj');
  const json = await run('analyse', ...chosen(), '--rank', '1', '--json');
  const analysis = JSON.parse(json.out) as AdapterAnalysis;
  expect(analysis.layers.map((layer) => layer.update?.beyondRank.rank)).toEqual([1, 1, 1, 1, 1, 1]);
  for (const { finite, nonlinearity, update } of analysis.layers) {
    expect(finite).toBe(true);
    expect(nonlinearity!.movement).toBeGreaterThan(1e-6);
    expect(update!.effectiveRank).toBeGreaterThan(1);
  }
});

test('reduce: a LoRA that answers as the LoRAN does, also for llama.cpp', async () => {
  const output = path.join(folder, 'lora');
  const written = await run('reduce', ...chosen(), '--rank', '8', '--output', output);
  expect(written.err).not.toContain('error');
  expect(written.out).toMatch(/model\.layers\.1\.self_attn\.v_proj +rank +8 +error \d/);
  expect(written.out).toMatch(/over all layers: \d.*\nWritten: /);
  expect(JSON.parse(await readFile(path.join(output, 'adapter_config.json'), 'utf8'))).toMatchObject({
    peft_type: 'LORA',
    r: 8,
    lora_alpha: 8,
    task_type: 'CAUSAL_LM',
  });
  const answered = await answer(adapter);
  expect(await answer(output)).toEqual(answered);

  const file = path.join(folder, 'lora.gguf');
  const json = await run('reduce', ...chosen(), '--energy', '0.999', '--to', 'gguf-lora', '--output', file, '--json');
  const { error, layers, format } = JSON.parse(json.out) as ReduceResult;
  expect(format).toBe('gguf-lora');
  expect(layers).toHaveLength(6);
  expect(error).toBeLessThan(Math.sqrt(0.001) + 1e-6);
  const merged = path.join(folder, 'merged');
  expect((await run('merge', '--model', model, '--adapter', file, '--output', merged, ...cpu)).err).not.toContain(
    'error',
  );
});

test('what is left out or wrong is said', async () => {
  const output = path.join(folder, 'nothing');
  expect((await run('reduce', ...chosen(), '--output', output)).err).toContain('error INVALID_RANK');
  expect((await run('reduce', ...chosen(), '--energy', '2', '--output', output)).err).toContain(
    'error INVALID_OPTIONS',
  );
  expect((await run('analyse', '--model', model, ...cpu)).err).toContain('error INVALID_OPTIONS: adapter');
});
