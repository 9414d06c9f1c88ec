import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { cpuPackage, findPackage, gpuPackage, searchedFolders, type PackageName } from './find-package.js';

const root = mkdtempSync(path.join(tmpdir(), 'loran-tensorflow-'));
afterAll(() => rmSync(root, { recursive: true }));

function folder(name: string, packages: Partial<Record<PackageName, 'built' | 'unbuilt'>>): string {
  for (const [packageName, state] of Object.entries(packages)) {
    const home = path.join(root, name, 'node_modules', packageName);
    mkdirSync(path.join(home, 'lib/napi-v8'), { recursive: true });
    writeFileSync(path.join(home, 'package.json'), JSON.stringify({ name: packageName, version: '4.22.0' }));
    if (state === 'built') writeFileSync(path.join(home, 'lib/napi-v8/tfjs_binding.node'), '');
  }
  return path.join(root, name);
}

const both = folder('both', { [cpuPackage]: 'built', [gpuPackage]: 'built' });
const cpuOnly = folder('cpu', { [cpuPackage]: 'built', [gpuPackage]: 'unbuilt' });
const unbuilt = folder('unbuilt', { [cpuPackage]: 'unbuilt' });
const nothing = folder('nothing', {});

describe('the package that is taken', () => {
  test.each([
    ['the first of those wanted', [gpuPackage, cpuPackage], [both], gpuPackage, both],
    ['one that is built before one that is not', [gpuPackage, cpuPackage], [cpuOnly], cpuPackage, cpuOnly],
    ['from the first folder that has it', [cpuPackage], [nothing, unbuilt, both, cpuOnly], cpuPackage, both],
  ] as const)('%s', (_, names, folders, name, home) => {
    const found = findPackage(names, folders);
    expect(found).toMatchObject({ name, version: '4.22.0', built: true });
    expect(found.folder).toBe(path.join(home, 'node_modules', name));
  });
});

test('a package without its addon gives the command that builds it', () => {
  expect(() => findPackage([gpuPackage, cpuPackage], [unbuilt, nothing])).toThrow(
    expect.objectContaining({
      code: 'PACKAGE_NOT_BUILT',
      message: expect.stringContaining('npm rebuild @tensorflow/tfjs-node --ignore-scripts=false'),
    }),
  );
});

test('no package at all gives the command that installs it, and where was looked', () => {
  expect(() => findPackage([gpuPackage], [nothing])).toThrow(
    expect.objectContaining({
      code: 'PACKAGE_MISSING',
      message: expect.stringMatching(
        new RegExp(`${nothing}.*npm install @tensorflow/tfjs-node-gpu --ignore-scripts=false`),
      ),
    }),
  );
});

test('the folder that is named comes before the working directory, and is what the environment names otherwise', () => {
  const before = process.env.LORAN_TENSORFLOW_HOME;
  try {
    process.env.LORAN_TENSORFLOW_HOME = both;
    expect(searchedFolders(undefined).slice(0, 2)).toEqual([both, process.cwd()]);
    expect(searchedFolders(cpuOnly).slice(0, 2)).toEqual([cpuOnly, process.cwd()]);
    delete process.env.LORAN_TENSORFLOW_HOME;
    expect(searchedFolders(undefined)[0]).toBe(process.cwd());
  } finally {
    if (before === undefined) delete process.env.LORAN_TENSORFLOW_HOME;
    else process.env.LORAN_TENSORFLOW_HOME = before;
  }
});
