import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { main } from './main.js';

test('finds the change, saves it for PEFT, and keeps it when merged', async () => {
  const output = await mkdtemp(path.join(tmpdir(), 'loran-dense-'));
  const { before, after, merged } = await main({ output });
  expect(before).toBeGreaterThan(0.5);
  expect(after).toBeLessThan(before / 1000);
  expect(merged).toBeCloseTo(after, 5);
  expect((await readdir(output)).sort()).toEqual(['README.md', 'adapter_config.json', 'adapter_model.safetensors']);
  const config: unknown = JSON.parse(await readFile(path.join(output, 'adapter_config.json'), 'utf8'));
  expect(config).toMatchObject({ peft_type: 'LORA', r: 2, lora_alpha: 4, target_modules: ['dense'] });
  await rm(output, { recursive: true });
});
