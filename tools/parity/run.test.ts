import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const here = path.dirname(fileURLToPath(import.meta.url));
const run = (...args: string[]) => {
  const env = { ...process.env, LORAN_TEST_DATA: undefined };
  return spawnSync(process.execPath, [path.join(here, 'run.mjs'), ...args], { encoding: 'utf8', env });
};

test('every check of the folder is run', () => {
  const scripts = readdirSync(here).filter((file) => /(?<!\.test)\.ts$/.test(file));
  const listed = run('--list')
    .stdout.trim()
    .split('\n')
    .map((line) => `${line.split(/\s/)[0]}.ts`);
  expect(listed.sort()).toEqual(scripts.sort());
});

test('a misspelt check names those that there are', () => {
  const { status, stderr } = run('exprots');
  expect([status, stderr]).toEqual([2, expect.stringMatching(/no exprots; known are .*exports/)]);
});

test('what cannot run says why, and is no failure', () => {
  const { status, stdout } = run('llama-cpp', '--python', process.execPath);
  expect([status, stdout]).toEqual([
    0,
    expect.stringMatching(/not run +llama-cpp +needs npm install --prefix FOLDER node-llama-cpp[^]+1 not run/),
  ]);
});

test('a check that fails is shown with the end of its output', () => {
  const { status, stdout } = run('hub-cache', '--python', process.execPath); // which is no Python
  expect([status, stdout]).toEqual([
    1,
    expect.stringMatching(/failed +hub-cache[^]+hub_cache\.py find failed[^]+1 failed/),
  ]);
});
