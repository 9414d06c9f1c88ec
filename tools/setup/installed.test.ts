/** When `npm start` and `npm test` install, and when they leave the tree alone. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { staleness } from './installed.mjs';

interface Entry {
  readonly version?: string;
  readonly integrity?: string;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly link?: boolean;
  readonly resolved?: string;
}

const locked: Record<string, Entry> = {
  '': { version: '0.0.0' },
  'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
  'node_modules/@loran/x': { resolved: 'packages/x', link: true },
  'packages/x': { version: '0.1.0' },
  'packages/x/node_modules/a': { version: '2.0.0', integrity: 'sha512-b' },
  'node_modules/binary-here': { version: '1.0.0', integrity: 'sha512-h', optional: true, os: [process.platform] },
  'node_modules/binary-elsewhere': { version: '1.0.0', integrity: 'sha512-e', optional: true, os: ['plan9'] },
};
let root: string;

function write(packages: Record<string, Entry>): void {
  writeFileSync(path.join(root, 'package-lock.json'), JSON.stringify({ packages }));
}

function install(packages: Record<string, Entry>): void {
  for (const place of Object.keys(packages)) mkdirSync(path.join(root, place), { recursive: true });
  writeFileSync(path.join(root, 'node_modules/.package-lock.json'), JSON.stringify({ packages }));
}

const { '': _top, 'node_modules/binary-elsewhere': elsewhere, ...complete } = locked;

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'loran-install-'));
  write(locked);
});
afterEach(() => rmSync(root, { recursive: true }));

test('a complete tree is left alone, without the binaries of other systems', () => {
  install(complete);
  expect(staleness(root)).toBeUndefined();
});

test('nothing installed, and an installation that was interrupted', () => {
  expect(staleness(root)).toContain('nothing is installed');
  mkdirSync(path.join(root, 'node_modules/a'), { recursive: true });
  expect(staleness(root)).toContain('not finished');
});

test.each<[string, Record<string, Entry>]>([
  ['another version', { 'node_modules/a': { version: '1.0.1', integrity: 'sha512-a' } }],
  ['other bytes under the same version', { 'node_modules/a': { version: '1.0.0', integrity: 'sha512-z' } }],
  ['another version inside a package', { 'packages/x/node_modules/a': { version: '1.0.0', integrity: 'sha512-a' } }],
  ['a package that is no longer asked for', { 'node_modules/old': { version: '1.0.0' } }],
  ['a binary of another system', { 'node_modules/binary-elsewhere': elsewhere! }],
])('%s', (_, difference) => {
  install({ ...complete, ...difference });
  expect(staleness(root)).toContain(Object.keys(difference)[0]);
});

test('a package that the lockfile gained, a workspace among them', () => {
  const { 'node_modules/@loran/x': _link, ...without } = complete;
  install(without);
  expect(staleness(root)).toContain('node_modules/@loran/x is not installed');
});

test('a folder that was deleted', () => {
  install(complete);
  rmSync(path.join(root, 'node_modules/a'), { recursive: true });
  expect(staleness(root)).toContain('node_modules/a was deleted');
});

test('a lockfile that is no JSON is an error that says how to get it back', () => {
  writeFileSync(path.join(root, 'package-lock.json'), '<<<<<<<');
  expect(() => staleness(root)).toThrow('git checkout package-lock.json');
});
