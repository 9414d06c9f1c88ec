/** Names of the hub, against a server on this machine that speaks its protocol. */
import '@tensorflow/tfjs-backend-cpu';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { openEngine, portableEngine } from '@loran/tensor';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadSequenceClassifier } from '../open-model.js';
import { fetchModel } from './fetch-model.js';

const tinyBert = fileURLToPath(new URL('../__fixtures__/tiny-bert', import.meta.url));
const serveHub = fileURLToPath(new URL('../../../hub/src/__fixtures__/serve-hub.ts', import.meta.url));
let server: ChildProcess;
let endpoint: string;
let folder: string;
const download = () => ({ endpoint, cacheFolder: path.join(folder, 'cache'), retryDelayMs: 1, attempts: 1 });

beforeAll(async () => {
  await openEngine(portableEngine('cpu'));
  folder = mkdtempSync(path.join(tmpdir(), 'loran-hub-'));
  const ggufs = path.join(folder, 'ggufs');
  mkdirSync(ggufs);
  for (const name of ['a', 'b']) writeFileSync(path.join(ggufs, `${name}.gguf`), 'GGUF');
  const args = ['--conditions=@loran/source', '--import', 'tsx', serveHub];
  server = spawn(process.execPath, [...args, `org/tiny-bert=${tinyBert}`, `org/tiny-gguf=${ggufs}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  endpoint = await new Promise((resolve) =>
    server.stdout!.once('data', (text: Buffer) => resolve(text.toString().trim())),
  );
});
afterAll(() => {
  server.kill();
  rmSync(folder, { recursive: true });
});

test('a model is loaded by its name on the hub, and again without it', async () => {
  const model = await loadSequenceClassifier('org/tiny-bert', { download: download() });
  expect(model.labels).toEqual(['ham', 'spam', 'neither']);
  model.dispose();
  const offline = { endpoint: 'http://127.0.0.1:9', cacheFolder: download().cacheFolder, offline: true };
  const again = await loadSequenceClassifier('org/tiny-bert', { download: offline });
  again.dispose();
});

test('one GGUF of a repository is named behind a colon', async () => {
  const { path: file, revision } = await fetchModel('org/tiny-gguf:b.gguf', download());
  expect(path.basename(file)).toBe('b.gguf');
  expect(readFileSync(file, 'utf8')).toBe('GGUF');
  expect(revision).toMatch(/^[0-9a-f]{40}$/);
});

test('a path that exists is left alone, and what is neither comes back', async () => {
  expect(await fetchModel(tinyBert, download())).toEqual({ path: tinyBert });
  expect(await fetchModel('./nowhere', download())).toEqual({ path: './nowhere' });
});

test('a name that the hub does not know says so', async () => {
  await expect(fetchModel('org/nothing', download())).rejects.toMatchObject({ code: 'HUB_NOT_FOUND' });
});
