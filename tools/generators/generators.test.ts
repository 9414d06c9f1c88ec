/** The generators, tried on a copy of this repository: what they write builds, lints, is formatted, and keeps the laws and the rules. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FsTree, flushChanges } from 'nx/src/generators/tree.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { arrowPicture } from '../repo/rules/arrows.js';
import { changesets, links } from '../repo/rules/documents.js';
import { pluginsWithoutLaws } from '../repo/rules/laws.js';
import { licence, manifestShape, versions } from '../repo/rules/manifest.js';
import { readmeHeadings } from '../repo/rules/readme.js';
import { explicitExports, fileLength, hasTests } from '../repo/rules/source.js';
import { readWorkspace } from '../repo/workspace.js';
import { copyRepository, linkPackage } from './copied-repository.js';
import { activation, adapter, dataset, evaluator } from './plugin-package.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const copy = realpathSync(mkdtempSync(path.join(tmpdir(), 'loran-generators-')));
const patient = 300_000;

const generated = [
  { name: 'my-method', kind: 'adapter-method', exportName: 'myMethod' },
  { name: 'my-activation', kind: 'activation', exportName: 'myActivation' },
  { name: 'my-dataset', kind: 'dataset', exportName: 'myDataset' },
  { name: 'my-evaluator', kind: 'evaluator', exportName: 'myEvaluator' },
] as const;
const folders = generated.map(({ name }) => `packages/${name}`);

/** Runs a program of the copy in the copy; everything that it printed, where it failed. */
function run(program: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join('node_modules', program), ...args], {
    cwd: copy,
    encoding: 'utf8',
    // A program of its own, and not a part of the Nx task or the Vitest run that this test may be in.
    env: { PATH: process.env.PATH, HOME: process.env.HOME, NX_DAEMON: 'false', NX_TUI: 'false', CI: '1' },
  });
  return status === 0 ? '' : `${stdout}\n${stderr}`;
}

async function generate(generator: typeof adapter, name: string): Promise<void> {
  const tree = new FsTree(copy, false);
  const finish = await generator(tree, { name, skipInstall: true });
  flushChanges(copy, tree.listChanges());
  finish();
}

beforeAll(async () => {
  copyRepository(root, copy);
  expect(run('nx/dist/bin/nx.js', 'generate', '@loran/tools:adapter', 'my-method', '--skipInstall')).toBe('');
  await generate(activation, 'my-activation');
  await generate(dataset, 'my-dataset');
  await generate(evaluator, 'my-evaluator');
  for (const { name } of generated) linkPackage(copy, name);
  // Nx looks at the workspace anew, and ESLint reads from its cache who stands on whom.
  expect(run('nx/dist/bin/nx.js', 'sync:check')).not.toContain('packages/my-');
}, patient);

afterAll(() => {
  rmSync(copy, { recursive: true, force: true });
});

describe('what the generators write', () => {
  test('builds', { timeout: patient }, () => {
    expect(run('typescript/bin/tsc', '--build', ...folders)).toBe('');
    for (const folder of folders) expect(existsSync(path.join(copy, folder, 'dist/index.js')), folder).toBe(true);
  });

  test('passes lint', { timeout: patient }, () => {
    expect(run('eslint/bin/eslint.js', '--max-warnings=0', ...folders)).toBe('');
  });

  test('is formatted, and so are the files that they change', { timeout: patient }, () => {
    const changed = ['README.md', 'tsconfig.json', 'tools/repo/layers.mjs'];
    expect(run('prettier/bin/prettier.cjs', '--check', ...folders, ...changed)).toBe('');
  });

  test('keeps the laws', { timeout: patient }, () => {
    const projects = generated.flatMap(({ name }) => ['--project', name]);
    expect(run('vitest/vitest.mjs', 'run', ...projects)).toBe('');
  });

  test('keeps the rules of the repository', () => {
    const workspace = readWorkspace(copy);
    const rules = [
      arrowPicture,
      changesets,
      links,
      licence,
      manifestShape,
      versions,
      readmeHeadings,
      explicitExports,
      fileLength,
      hasTests,
    ];
    for (const rule of rules) expect(rule.check(workspace), rule.name).toEqual([]);
    const table = workspace.documents.get('tools/repo/layers.mjs');
    for (const { name } of generated) expect(table).toContain(`\n  '${name}': [`);
    const plugins = generated.map(({ name, kind, exportName }) => ({ folder: name, kind, exportNames: [exportName] }));
    expect(pluginsWithoutLaws(workspace, plugins)).toEqual([]);
  });
});

test.each([
  ['My_Method', /kebab-case/],
  ['lora', /packages\/lora is there already/],
  ['my-method', /there already/],
  ['types', /says nothing/],
  ['delete', /twice/],
  ['linear', /twice/],
])("'%s' is no name for an adapter method", async (name, reason) => {
  const tree = new FsTree(copy, false);
  await expect(adapter(tree, { name })).rejects.toThrow(reason);
  expect(tree.listChanges()).toEqual([]);
});
