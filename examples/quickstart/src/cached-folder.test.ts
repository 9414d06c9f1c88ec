import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cachedFolder } from './cached-folder.js';

let root: string;
beforeEach(() => void (root = mkdtempSync(join(tmpdir(), 'loran-cache-'))));
afterEach(() => {
  rmSync(root, { recursive: true });
});

let built = 0;
const build = (content: string) => async (folder: string) => {
  built++;
  await new Promise((resolve) => setTimeout(resolve, 5));
  writeFileSync(join(folder, 'a.txt'), content);
};
const content = (folder: string) => readFileSync(join(folder, 'a.txt'), 'utf8');

test('builds once, and again for another stamp', async () => {
  built = 0;
  const first = await cachedFolder('a', { version: 1 }, build('one'), root);
  expect([first, content(first)]).toEqual([join(root, 'a'), 'one']);
  expect(content(await cachedFolder('a', { version: 1 }, build('two'), root))).toBe('one');
  expect(content(await cachedFolder('a', { version: 2 }, build('two'), root))).toBe('two');
  expect(built).toBe(2);
  expect(readdirSync(root)).toEqual(['a']);
});

test('a build that fails leaves the old folder, or none', async () => {
  const fails = async (folder: string) => {
    await build('half')(folder);
    throw new TypeError('disk full');
  };
  await expect(cachedFolder('a', { version: 1 }, fails, root)).rejects.toThrow('disk full');
  expect(readdirSync(root)).toEqual([]);
  await cachedFolder('a', { version: 1 }, build('one'), root);
  await expect(cachedFolder('a', { version: 2 }, fails, root)).rejects.toThrow('disk full');
  expect(content(join(root, 'a'))).toBe('one');
  expect(readdirSync(root)).toEqual(['a']);
});

test('several builds at once end in one whole folder', async () => {
  const folders = await Promise.all([1, 2, 3].map(() => cachedFolder('a', { version: 1 }, build('one'), root)));
  expect(folders.map(content)).toEqual(['one', 'one', 'one']);
  expect(readdirSync(root)).toEqual(['a']);
});
