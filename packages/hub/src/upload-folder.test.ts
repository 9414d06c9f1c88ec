import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { useHub } from './__fixtures__/hub.js';
import { accessToken } from './__fixtures__/hub-server.js';
import { bytes } from './__fixtures__/sample-model.js';
import { uploadFolder, type UploadProgress } from './index.js';

const hub = useHub();
const weights = bytes(1_500_000);
const files: Readonly<Record<string, Buffer | string>> = {
  'README.md': '# An adapter\n',
  'adapter_config.json': '{"r":8}',
  'adapter_model.safetensors': weights,
  'second/adapter_model.safetensors': bytes(1000, 'second'),
};
let folder: string;

beforeEach(async () => {
  folder = path.join(await mkdtemp(path.join(tmpdir(), 'loran-upload-')), 'adapter');
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), content);
  }
});
afterEach(() => rm(path.dirname(folder), { recursive: true }));

const upload = (options: object = {}) =>
  uploadFolder({ folder, repo: 'ada/adapter', token: accessToken, ...hub.options, ...options });
const uploaded = (name: string) => {
  const repository = hub.server.repositories.get(name)!;
  return [...repository.commits.get(repository.branches.get('main')!)!];
};

describe('a folder', () => {
  test('becomes a new repository, whole, large files by LFS', async () => {
    await mkdir(path.join(folder, '.git'));
    await writeFile(path.join(folder, '.git/config'), 'secret');
    const { url, revision, repo } = await upload({ private: true });
    expect(repo).toBe('ada/adapter');
    expect(url).toBe(`${hub.server.endpoint}/ada/adapter/commit/${revision}`);
    expect(hub.server.repositories.get('ada/adapter')!.private).toBe(true);
    const stored = uploaded('ada/adapter');
    expect(stored.map(([name]) => name)).toEqual(Object.keys(files));
    for (const [name, { content, lfs }] of stored) {
      expect(content.equals(Buffer.from(files[name]!))).toBe(true);
      expect(lfs).toBe(name.endsWith('.safetensors'));
    }
  });

  test('is added to what a repository has; unchanged large files are not sent again', async () => {
    hub.server.add('ada/adapter', { 'notes.txt': 'kept', 'README.md': 'old' });
    await upload();
    const sent = () => hub.server.asked.filter(({ method }) => method === 'PUT').length;
    expect(sent()).toBe(2);
    await upload();
    expect(sent()).toBe(2);
    expect(Object.fromEntries(uploaded('ada/adapter'))['notes.txt']!.content.toString()).toBe('kept');
    expect(Object.fromEntries(uploaded('ada/adapter'))['README.md']!.content.toString()).toBe(files['README.md']);
  });

  test('in part, to a data set, under the name of the account', async () => {
    const { repo, files: sent } = await upload({ repo: 'rows', type: 'dataset', files: ['*.md'] });
    expect(repo).toBe('ada/rows');
    expect(sent).toEqual(['README.md']);
    expect(uploaded('datasets/ada/rows').map(([name]) => name)).toEqual(['README.md']);
  });

  test('in parts, where the hub asks for them, with the length of each', async () => {
    hub.server.partSize = 400_000;
    await upload();
    const parts = hub.server.asked.filter(({ method }) => method === 'PUT').map(({ length }) => Number(length));
    expect(parts.sort((a, b) => a - b)).toEqual([1000, 300_000, 400_000, 400_000, 400_000]);
    expect(Object.fromEntries(uploaded('ada/adapter'))['adapter_model.safetensors']!.content.equals(weights)).toBe(
      true,
    );
  });
});

test('progress: hashed, then sent, up to the end', async () => {
  const events: UploadProgress[] = [];
  await upload({ onProgress: (event: UploadProgress) => events.push(event) });
  const total = Object.values(files).reduce((sum, content) => sum + Buffer.from(content).length, 0);
  expect(events.at(-1)!.all).toEqual({ loadedBytes: total, totalBytes: total });
  const phases = events.filter(({ file }) => file === 'adapter_model.safetensors');
  expect(phases[0]!.phase).toBe('hashing');
  const sent = phases.filter(({ phase }) => phase === 'uploading').map(({ loadedBytes }) => loadedBytes);
  expect(sent.length).toBeGreaterThan(5);
  expect(sent).toEqual([...sent].sort((a, b) => a - b));
});

describe('what goes wrong', () => {
  test('storage that fails is tried again; the token is not sent there', async () => {
    hub.server.faults.push({ path: 'upload', status: 503 }, { path: 'upload', status: 500 });
    await upload();
    const puts = hub.server.asked.filter(({ method }) => method === 'PUT');
    expect(puts).toHaveLength(4);
    expect(puts.every(({ authorization }) => authorization === undefined)).toBe(true);
  });

  test('storage that always fails ends it before the commit', async () => {
    hub.server.faults.push(...Array.from({ length: 6 }, () => ({ path: 'upload', status: 503 })));
    await expect(upload()).rejects.toMatchObject({ code: 'HUB_UNREACHABLE' });
    expect(uploaded('ada/adapter')).toEqual([]);
  });

  test('storage that refuses', async () => {
    hub.server.faults.push({ path: 'upload', status: 403 });
    await expect(upload()).rejects.toMatchObject({
      code: 'HUB_REFUSED',
      message: expect.stringMatching(/ada\/adapter did not take the files/),
    });
  });

  test('stopped by the user', async () => {
    const stop = new AbortController();
    const onProgress = ({ phase }: UploadProgress) => phase === 'uploading' && stop.abort(new Error('stopped by hand'));
    await expect(upload({ signal: stop.signal, onProgress })).rejects.toThrow('stopped by hand');
    expect(uploaded('ada/adapter')).toEqual([]);
  });

  test.each([
    ['no token', { token: undefined }, 'HUB_UNAUTHORISED', /needs an access token with write access/],
    ['a token that is not known', { token: 'hf_other' }, 'HUB_UNAUTHORISED', /does not accept the access token/],
    [
      'a namespace of others',
      { repo: 'others/x' },
      'HUB_UNAUTHORISED',
      /needs write access to that namespace.*no rights in "others"/,
    ],
    ['offline', { offline: true }, 'HUB_OFFLINE', /nothing can be uploaded/],
    ['no folder', { folder: '/nowhere/at/all' }, 'HUB_FOLDER', /no folder \/nowhere\/at\/all/],
    ['patterns that match nothing', { files: ['*.gguf'] }, 'HUB_FOLDER', /No file of .* matches \*\.gguf/],
    ['a name that is none', { repo: 'a/b/c' }, 'HUB_NAME', /expected organisation\/name/],
  ])('%s', async (_, options, code, message) => {
    await expect(upload(options)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(hub.server.repositories.size).toBe(0);
  });

  test('a file in place of a folder, and a folder without files', async () => {
    await expect(upload({ folder: path.join(folder, 'README.md') })).rejects.toMatchObject({ code: 'HUB_FOLDER' });
    await mkdir(path.join(folder, 'empty'));
    await expect(upload({ folder: path.join(folder, 'empty') })).rejects.toMatchObject({ code: 'HUB_FOLDER' });
  });
});

describe('links', () => {
  test.each([
    ['to a file outside', '../secret'],
    ['to a folder outside', '..'],
    ['to a folder inside', 'second'],
    ['to nothing', 'nothing'],
  ])('%s are refused by name', async (_, target) => {
    await writeFile(path.join(folder, '../secret'), 'secret');
    await symlink(target, path.join(folder, 'link'));
    await expect(upload()).rejects.toMatchObject({ code: 'HUB_FOLDER', message: expect.stringContaining('link in ') });
    expect(hub.server.asked).toEqual([]);
  });

  test('to a file inside are files', async () => {
    await symlink('adapter_config.json', path.join(folder, 'copy.json'));
    await upload();
    expect(Object.fromEntries(uploaded('ada/adapter'))['copy.json']!.content.toString()).toBe('{"r":8}');
  });
});
