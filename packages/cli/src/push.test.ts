/** Uploads, to a server on this machine that speaks the hub's protocol. */
import { type ChildProcess, spawn } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { listRepository } from '@loran/hub';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { lastJson, run } from './__fixtures__/run.js';
import { folderWithLlama } from './__fixtures__/tiny-models.js';

const serveHub = fileURLToPath(new URL('../../hub/src/__fixtures__/serve-hub.ts', import.meta.url));
const cpu = ['--device', 'cpu'];
let server: ChildProcess;
let folder: string;
let model: string;
let texts: string;

beforeAll(async () => {
  ({ folder, model } = await folderWithLlama('push'));
  texts = path.join(folder, 'texts.jsonl');
  await writeFile(texts, '{"text": "one"}\n{"text": "two"}\n');
  server = spawn(process.execPath, ['--conditions=@loran/source', '--import', 'tsx', serveHub], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const endpoint = await new Promise<string>((resolve) => {
    server.stdout!.once('data', (text: Buffer) => resolve(text.toString().trim()));
  });
  vi.stubEnv('HF_ENDPOINT', endpoint);
  vi.stubEnv('HF_TOKEN', 'hf_abcdefghijklmnop'); // the one that the server knows
  vi.stubEnv('HF_HOME', path.join(folder, 'home'));
}, 60_000);
afterAll(async () => {
  vi.unstubAllEnvs();
  server.kill();
  await rm(folder, { recursive: true });
});

const uploaded = async (repo: string) => (await listRepository({ repo })).files.map((file) => file.path).sort();
const train = (...more: string[]) =>
  run('train', '--model', model, '--data', texts, '--test-share', '0', '--steps', '1', '--quiet', ...cpu, ...more);

test('an adapter goes up with its card, without what speaks of this machine', async () => {
  const trained = await train('--output', path.join(folder, 'adapter'), '--push-to-hub', 'ada/tiny-lora');
  expect(trained.exitCode).toBe(0);
  expect(trained.err).toMatch(/Uploaded: http.*ada\/tiny-lora/);
  const files = await uploaded('ada/tiny-lora');
  expect(files).toEqual(expect.arrayContaining(['README.md', 'adapter_config.json', 'adapter_model.safetensors']));
  expect(files).not.toContain('run.json');
});

test('from there it is used by its name, by every verb', async () => {
  const generated = (adapter: string, ...more: string[]) =>
    run(
      'generate',
      '--model',
      model,
      '--adapter',
      adapter,
      '--prompt',
      'on',
      '--max-new-tokens',
      '4',
      '--json',
      ...cpu,
      ...more,
    );
  const named = await generated('ada/tiny-lora');
  expect(named.err).not.toContain('error');
  const local = await generated(path.join(folder, 'adapter'));
  expect(lastJson(named.out)['tokens']).toEqual(lastJson(local.out)['tokens']);
  expect((await generated('ada/tiny-lora:0.5', '--offline')).exitCode).toBe(0);

  const output = path.join(folder, 'of-hub');
  const merged = await run('merge', '--model', model, '--adapter', 'ada/tiny-lora', '--output', output, ...cpu);
  expect(merged.exitCode).toBe(0);
  const further = await train('--adapter', 'ada/tiny-lora', '--output', path.join(folder, 'further'));
  expect(further.err).not.toContain('error');
  const measured = await run(
    'evaluate',
    '--model',
    model,
    '--adapter',
    'ada/tiny-lora',
    '--data',
    texts,
    '--json',
    ...cpu,
  );
  expect(lastJson(measured.out)['examples']).toBe(2);
  expect((await generated('ada/no-such')).err).toContain('HUB_NOT_FOUND');
});

test('so does a merged model', async () => {
  const output = path.join(folder, 'merged');
  const merged = await run('merge', '--model', model, '--output', output, '--push-to-hub', 'ada/tiny-merged', ...cpu);
  expect(merged.exitCode).toBe(0);
  expect(await uploaded('ada/tiny-merged')).toEqual(expect.arrayContaining(['config.json', 'model.safetensors']));
});

test('without a folder nothing is trained first', async () => {
  expect((await train('--push-to-hub', 'ada/nothing')).err).toContain('NOTHING_TO_PUSH');
});
