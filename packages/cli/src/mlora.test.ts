/** LoRAN's full form and its authors' adapters on the command line: what is written for their code computes what was trained. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lastJson, run } from './__fixtures__/run.js';
import { folderWithLlama } from './__fixtures__/tiny-models.js';

const cpu = ['--device', 'cpu'];
let folder: string;
let model: string;
let pairs: string;

beforeAll(async () => {
  ({ folder, model } = await folderWithLlama('mlora'));
  pairs = path.join(folder, 'pairs.jsonl');
  const rows = Array.from({ length: 8 }, (_, i) => JSON.stringify({ prompt: `${i}+1=`, completion: `${i + 1} yes` }));
  await writeFile(pairs, rows.join('\n'));
});
afterAll(() => rm(folder, { recursive: true }));

const short = ['--test-share', '0', '--steps', '8', '--batch-size', '8', '--learning-rate', '0.05', '--quiet'];

test('trained with projections, written as MLORA, and used from there', async () => {
  const [trained, mlora] = [path.join(folder, 'trained'), path.join(folder, 'mlora')];
  const settings = ['--activation', 'tanh', '--rank', '4', '--set', 'projections=[6]', '--set', 'biases=true'];
  const targets = ['--target-modules', 'q_proj,v_proj'];
  const training = ['train', '--model', model, '--data', pairs, '--method', 'loran', ...settings, ...targets, ...short];
  expect((await run(...training, '--output', trained, ...cpu)).err).not.toContain('error');
  const written = await run(
    ...['convert', '--model', model, '--adapter', trained, '--to', 'mlora', '--output', mlora, ...cpu],
  );
  expect(written.out).toContain(`Written: ${mlora}`);
  expect(JSON.parse(await readFile(path.join(mlora, 'adapter_config.json'), 'utf8'))).toMatchObject({
    ...{ peft_type: 'MLORA', r: [4, 6], mlora_af: 'Tanh', mlora_use_P: true, mlora_use_b: true },
  });

  const measured = async (...flags: string[]) => {
    const { out, err } = await run('evaluate', '--model', model, ...flags, '--data', pairs, '--json', ...cpu);
    expect(err).not.toContain('error');
    return lastJson(out).metrics['perplexity']!.value;
  };
  expect(await measured('--adapter', mlora)).toBe(await measured('--adapter', trained));
  expect(await measured('--adapter', mlora)).not.toBeCloseTo(await measured(), 3);
}, 120_000);

test('a preset, with flags on top', async () => {
  const output = path.join(folder, 'paper');
  const training = ['train', '--model', model, '--data', pairs, '--preset', 'loran.paper', '--rank', '4', ...short];
  expect((await run(...training, '--output', output, ...cpu)).err).not.toContain('error');
  expect(JSON.parse(await readFile(path.join(output, 'adapter_config.json'), 'utf8'))).toMatchObject({
    ...{ peft_type: 'LORAN', r: 4, lora_alpha: 16, lora_dropout: 0.2, target_modules: ['q_proj', 'v_proj'] },
    activation: { name: 'sinter', amplitude: 5e-5, frequency: 1e4 },
  });
  expect((await run('list')).out).toMatch(/presets\s+loran\.paper, loran\.sine-lora/);
}, 120_000);
