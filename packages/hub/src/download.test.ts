import { lstat, mkdir, readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { getHFHubCachePath } from '@huggingface/hub';
import { describe, expect, test, vi } from 'vitest';
import { useHub } from './__fixtures__/hub.js';
import { accessToken } from './__fixtures__/hub-server.js';
import { model, modelPaths, weights } from './__fixtures__/sample-model.js';
import { hashes } from './__fixtures__/stored-repository.js';
import { downloadModel, downloadSnapshot, listRepository, type DownloadProgress } from './index.js';

const hub = useHub();

describe('what is fetched', () => {
  test('a model: configuration, tokenizer, one set of safetensors, with the content that the hub has', async () => {
    const repository = hub.server.add('org/tiny', model);
    const snapshot = await downloadModel('org/tiny', hub.options);
    expect(snapshot.files).toEqual(modelPaths);
    expect(snapshot.revision).toBe(repository.branches.get('main'));
    for (const file of snapshot.files)
      expect((await readFile(path.join(snapshot.folder, file))).equals(Buffer.from(model[file]!))).toBe(true);
  });

  test('a second time nothing but the listing', async () => {
    hub.server.add('org/tiny', model);
    const first = await downloadModel('org/tiny', hub.options);
    const before = hub.server.asked.length;
    const progress: DownloadProgress[] = [];
    const second = await downloadModel('org/tiny', { ...hub.options, onProgress: (event) => progress.push(event) });
    expect(second).toEqual(first);
    expect(hub.server.asked.slice(before).map(({ path: asked }) => asked.split('/')[5])).toEqual(['revision', 'tree']);
    expect(progress).toEqual([]);
  });

  test('a new commit: only what changed, and the old snapshot stays', async () => {
    const repository = hub.server.add('org/tiny', model);
    const old = await downloadModel('org/tiny', hub.options);
    repository.commit('main', { 'config.json': '{"model_type":"mistral"}' });
    const before = hub.server.asked.length;
    const fresh = await downloadModel('org/tiny', hub.options);
    expect(fresh.revision).not.toBe(old.revision);
    expect(await readFile(path.join(fresh.folder, 'config.json'), 'utf8')).toContain('mistral');
    expect(await readFile(path.join(old.folder, 'config.json'), 'utf8')).toContain('llama');
    expect(hub.server.asked.slice(before)).toHaveLength(3);
    expect((await downloadModel(`org/tiny@${old.revision}`, hub.options)).folder).toBe(old.folder);
  });

  test('files of a data set by patterns, from a branch with a slash, over several pages of the listing', async () => {
    const repository = hub.server.add('datasets/org/rows', { 'README.md': 'x' });
    const shards = Object.fromEntries([0, 1, 2].map((i) => [`data/train-${i}.parquet`, `rows ${i}`]));
    repository.commit('refs/convert/parquet', { ...shards, 'data/test-0.parquet': 'rows', 'notes.txt': 'x' });
    hub.server.pageSize = 2;
    const at = { repo: 'org/rows', type: 'dataset', revision: 'refs/convert/parquet', ...hub.options } as const;
    const listed = await listRepository(at);
    expect(listed.files).toHaveLength(5);
    const snapshot = await downloadSnapshot({ ...at, files: ['data/train-*'] });
    expect(snapshot.files).toEqual(Object.keys(shards));
    expect(snapshot.folder).toContain('datasets--org--rows');
  });

  test('one GGUF with its parts', async () => {
    hub.server.add('org/quantised', { 'q4-00001-of-00002.gguf': 'a', 'q4-00002-of-00002.gguf': 'b', 'q8.gguf': 'c' });
    const parts = await downloadModel('org/quantised', { ...hub.options, file: 'q4-00001-of-00002.gguf' });
    expect(parts.files).toEqual(['q4-00001-of-00002.gguf', 'q4-00002-of-00002.gguf']);
    expect((await downloadModel('org/quantised', { ...hub.options, file: 'q8.gguf' })).files).toEqual(['q8.gguf']);
    await expect(downloadModel('org/quantised', { ...hub.options, file: 'q9.gguf' })).rejects.toMatchObject({
      code: 'HUB_NOT_FOUND',
      message: expect.stringContaining('Did you mean q8.gguf'),
    });
    await expect(downloadModel('org/quantised', hub.options)).rejects.toMatchObject({
      code: 'HUB_NO_WEIGHTS',
      message: expect.stringContaining('q8.gguf (1 bytes)'),
    });
  });

  test('empty files, and names that addresses must quote', async () => {
    const files = { 'empty.txt': '', 'a b#c?d%20é.txt': 'odd', 'empty.bin': '' };
    hub.server.add('org/odd', files);
    const { folder } = await downloadSnapshot({ repo: 'org/odd', ...hub.options });
    for (const [name, content] of Object.entries(files))
      expect(await readFile(path.join(folder, name), 'utf8')).toBe(content);
  });
});

describe('the cache', () => {
  test('has the layout of huggingface_hub', async () => {
    const repository = hub.server.add('org/tiny', model);
    const { folder, revision } = await downloadModel('org/tiny', hub.options);
    const root = path.join(hub.cacheFolder, 'models--org--tiny');
    expect(folder).toBe(path.join(root, 'snapshots', revision));
    expect(await readFile(path.join(root, 'refs/main'), 'utf8')).toBe(revision);
    const file = (name: string) => hashes(repository.commits.get(revision)!.get(name)!);
    expect(await readlink(path.join(folder, 'model.safetensors'))).toBe(
      `../../blobs/${file('model.safetensors').sha256}`,
    );
    expect(await readlink(path.join(folder, '1_Pooling/config.json'))).toBe(
      `../../../blobs/${file('1_Pooling/config.json').git}`,
    );
    expect((await readdir(path.join(root, 'blobs'))).filter((name) => name.includes('.'))).toEqual([]);
  });

  test('stands where HF_HOME says', async () => {
    hub.server.add('org/tiny', { 'config.json': '{}' });
    const { folder } = await downloadSnapshot({ repo: 'org/tiny', endpoint: hub.server.endpoint });
    expect(folder.startsWith(getHFHubCachePath())).toBe(true);
    expect(folder.startsWith(hub.cacheFolder)).toBe(true);
  });

  test('that another wrote is used: blobs by their names, links whatever they are', async () => {
    const repository = hub.server.add('org/tiny', { 'model.safetensors': weights });
    const commit = repository.branches.get('main')!;
    const { sha256 } = hashes(repository.commits.get(commit)!.get('model.safetensors')!);
    const root = path.join(hub.cacheFolder, 'models--org--tiny');
    await mkdir(path.join(root, 'blobs'), { recursive: true });
    await writeFile(path.join(root, 'blobs', sha256), weights);
    const { folder } = await downloadSnapshot({ repo: 'org/tiny', ...hub.options });
    expect(hub.server.rangesOf('model.safetensors')).toEqual([]);
    expect((await lstat(path.join(folder, 'model.safetensors'))).isSymbolicLink()).toBe(true);
  });
});

test('progress counts each file and all of them, up to the end', async () => {
  hub.server.add('org/tiny', model);
  const events: DownloadProgress[] = [];
  await downloadModel('org/tiny', { ...hub.options, onProgress: (event) => events.push(event) });
  const total = modelPaths.reduce((sum, file) => sum + Buffer.from(model[file]!).length, 0);
  expect(events[0]).toMatchObject({ loadedBytes: 0, all: { loadedBytes: 0, totalBytes: total } });
  expect(events.at(-1)!.all).toEqual({ loadedBytes: total, totalBytes: total });
  const ofWeights = events.filter(({ file }) => file === 'model.safetensors').map(({ loadedBytes }) => loadedBytes);
  expect(ofWeights).toEqual([...ofWeights].sort((a, b) => a - b));
  expect(ofWeights.length).toBeGreaterThan(3);
  expect(ofWeights.at(-1)).toBe(weights.length);
});

describe('who asks', () => {
  test('the token goes to the hub and never to its storage', async () => {
    hub.server.add('org/tiny', model).private = true;
    vi.stubEnv('HF_TOKEN', ` ${accessToken}\n`);
    await downloadModel('org/tiny', hub.options);
    const sent = (host: string) =>
      new Set(hub.server.asked.filter((asked) => asked.host === host).map((asked) => asked.authorization));
    expect(sent('hub')).toEqual(new Set([`Bearer ${accessToken}`]));
    expect(sent('storage')).toEqual(new Set([undefined]));
  });

  test('the token of a login is found', async () => {
    hub.server.add('org/tiny', { 'config.json': '{}' }).private = true;
    await writeFile(path.join(path.dirname(hub.cacheFolder), 'token'), accessToken);
    expect((await downloadSnapshot({ repo: 'org/tiny', ...hub.options })).files).toEqual(['config.json']);
  });

  test.each([
    [
      'nothing of that name',
      'org/none',
      {},
      'HUB_NOT_FOUND',
      /no model org\/none at .* private: check the name; .* HF_TOKEN/,
    ],
    [
      'nothing of that name, with a token',
      'org/none',
      { token: accessToken },
      'HUB_NOT_FOUND',
      /the access token from the token option may not see it/,
    ],
    ['a private one', 'org/private', {}, 'HUB_NOT_FOUND', /for a private one set HF_TOKEN/],
    ['no such revision', 'org/gated@v9', {}, 'HUB_NOT_FOUND', /org\/gated has no revision "v9"/],
    ['a gated one', 'org/gated', {}, 'HUB_GATED', /open http.*\/org\/gated and accept its licence, then set HF_TOKEN/],
    [
      'a gated one, with the token of another account',
      'org/gated',
      { token: accessToken },
      'HUB_GATED',
      /account that was let in/,
    ],
    [
      'a token that expired',
      'org/gated',
      { token: 'hf_old' },
      'HUB_UNAUTHORISED',
      /does not accept the access token from the token option/,
    ],
    [
      'no token at all',
      'org/gated',
      { token: 'secret stuff' },
      'HUB_UNAUTHORISED',
      /from the token option does not look like one/,
    ],
    [
      'an endpoint that is none',
      'org/gated',
      { endpoint: 'huggingface.co' },
      'HUB_ENDPOINT',
      /expected one such as https/,
    ],
    ['a folder', './org/gated', {}, 'HUB_NAME', /expected organisation\/name/],
  ])('%s', async (_, id, options, code, message) => {
    hub.server.add('org/gated', model).gated = true;
    hub.server.add('org/private', model).private = true;
    const failed = await downloadModel(id, { ...hub.options, ...options }).catch((error: unknown) => error);
    expect(failed).toMatchObject({ code, message: expect.stringMatching(message) });
    expect((failed as Error).message).not.toMatch(/hf_[ao]|secret/);
  });
});

describe('a hostile hub', () => {
  const path40 = 'a'.repeat(40);
  test.each([
    ['a path upwards', { path: '../../evil' }],
    ['an absolute path', { path: '/etc/evil' }],
    ['a path upwards for Windows', { path: '..\\evil' }],
    ['a drive', { path: 'C:evil' }],
    ['an empty part', { path: 'a//b' }],
    ['a hash that is a path', { oid: `../../${path40}`.slice(0, 40) }],
    ['a size below nothing', { size: -1 }],
    ['a size that is text', { size: '1' }],
    ['a path that is no text', { path: 7 }],
  ])('%s is refused before anything is written', async (_, change) => {
    hub.server.add('org/tiny', { 'config.json': '{}', 'x.txt': 'x' });
    hub.server.listing = (entries) => entries.map((entry, i) => (i === 0 ? { ...entry, ...change } : entry));
    await expect(downloadSnapshot({ repo: 'org/tiny', ...hub.options })).rejects.toMatchObject({
      code: 'HUB_RESPONSE',
    });
    await expect(readdir(hub.cacheFolder)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('a file twice, or a file that is a folder too', async () => {
    hub.server.add('org/tiny', { a: '1', 'a/b': '2' });
    await expect(downloadSnapshot({ repo: 'org/tiny', ...hub.options })).rejects.toMatchObject({
      code: 'HUB_RESPONSE',
      message: expect.stringContaining('both a file and a folder'),
    });
    hub.server.listing = (entries) => [entries[0]!, entries[0]!];
    await expect(downloadSnapshot({ repo: 'org/tiny', ...hub.options })).rejects.toMatchObject({
      code: 'HUB_RESPONSE',
      message: expect.stringContaining('a file of org/tiny twice'),
    });
  });

  test('a petabyte is refused before it is asked for', async () => {
    hub.server.add('org/tiny', { 'model.safetensors': 'x' });
    hub.server.listing = (entries) =>
      entries.map((entry) => ({ ...entry, size: 1e15, lfs: { ...(entry as { lfs: object }).lfs, size: 1e15 } }));
    await expect(downloadModel('org/tiny', hub.options)).rejects.toMatchObject({
      code: 'HUB_DISK_FULL',
      message: expect.stringMatching(/1\.0 PB are to be fetched and .* are free/),
    });
    expect(hub.server.rangesOf('model.safetensors')).toEqual([]);
  });
});
