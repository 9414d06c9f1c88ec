import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { cpuPackage, type InstalledPackage } from './find-package.js';
import { loadedBackend, loadPackage } from './load-package.js';

const root = mkdtempSync(path.join(tmpdir(), 'loran-tensorflow-'));
afterAll(() => rmSync(root, { recursive: true }));

function installed(name: string, code: string): InstalledPackage {
  const folder = path.join(root, name);
  mkdirSync(folder);
  writeFileSync(
    path.join(folder, 'package.json'),
    JSON.stringify({ name: cpuPackage, version: '4.22.0', main: 'main.js' }),
  );
  writeFileSync(path.join(folder, 'main.js'), code);
  return { name: cpuPackage, version: '4.22.0', folder, built: true };
}

const options = { threads: undefined, hideGpu: false };

test('a package that cannot be loaded says why, and how to build it anew', () => {
  const broken = installed('broken', "throw new Error('libtensorflow.so.2: cannot open shared object file');");
  expect(() => loadPackage(broken, options)).toThrow(
    expect.objectContaining({
      code: 'PACKAGE_BROKEN',
      message: expect.stringMatching(
        /libtensorflow\.so\.2: cannot open.*npm rebuild @tensorflow\/tfjs-node --ignore-scripts=false/,
      ),
    }),
  );
  expect(loadedBackend()).toBeUndefined();
});

test('a package that registers no backend with the tfjs-core in use is refused', () => {
  expect(() => loadPackage(installed('foreign', ''), options)).toThrow(
    expect.objectContaining({ code: 'PACKAGE_BROKEN', message: expect.stringContaining('one major version') }),
  );
});

test('TensorFlow gets its settings by the environment', () => {
  const seen = installed('seen', 'globalThis.seen = { ...process.env };');
  expect(() => loadPackage(seen, { threads: 3, hideGpu: true })).toThrow();
  expect((globalThis as { seen?: NodeJS.ProcessEnv }).seen).toMatchObject({
    TF_NUM_INTRAOP_THREADS: '3',
    CUDA_VISIBLE_DEVICES: '-1',
  });
});
