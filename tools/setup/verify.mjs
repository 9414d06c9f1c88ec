/**
 * `npm test`: everything that must hold before a change is handed in. Lint, types, build, tests, the published shape of each package,
 * formatting, dead code, the repository's own rules, an example of a third party's package and tfjs's own suite on our engine, as Nx targets, so that what did not change
 * comes from the cache. Ends with one line that counts the tests: `N passed, N failed` or `N passed, N failed, N skipped`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const targets = [
  'format',
  'knip',
  'lint',
  'build',
  'typecheck',
  'publint',
  'attw',
  'built',
  'third-party',
  'test',
  'tfjs-suite',
];

/** Runs Nx without its daemon and terminal interface; true when it succeeded. */
function nx(...args) {
  const require = createRequire(import.meta.url);
  const program = path.join(path.dirname(require.resolve('nx/package.json')), require('nx/package.json').bin.nx);
  const { status } = spawnSync(process.execPath, [program, ...args], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false', CI: '1' },
  });
  return status === 0;
}

/** The folders of the workspace that have a Vitest project. */
function tested() {
  const members = ['packages', 'examples'].flatMap((place) =>
    readdirSync(path.join(root, place)).map((name) => `${place}/${name}`),
  );
  return [...members, 'tools'].filter((folder) => existsSync(path.join(root, folder, 'vitest.config.ts')));
}

const report = (folder) => path.join(root, folder, '.cache/tests.json');

for (const folder of tested()) rmSync(report(folder), { force: true });
const synced = nx('sync:check');
const held = nx('run-many', '-t', ...targets, '--parallel=2', '--output-style=static');

let passed = 0;
let failed = 0;
let skipped = 0;
const reasons = new Map();
for (const folder of tested()) {
  if (!existsSync(report(folder))) {
    console.log(`${folder}: its tests did not run to an end`);
    failed += 1;
    continue;
  }
  const result = JSON.parse(readFileSync(report(folder), 'utf8'));
  passed += result.passed;
  failed += result.failed;
  for (const [reason, tests] of Object.entries(result.skipped)) {
    skipped += tests.length;
    reasons.set(reason, [...(reasons.get(reason) ?? []), ...tests.map((test) => `${folder}: ${test}`)]);
  }
}

if (skipped > 0) console.log('\nSkipped:');
for (const [reason, tests] of reasons) {
  console.log(`  ${reason} (${tests.length})`);
  for (const test of tests) console.log(`    ${test}`);
}
if (!process.env.LORAN_TEST_DATA) {
  console.log(
    '\nLORAN_TEST_DATA is not set: what needs larger models and data sets was skipped (docs/testing.md says what it should hold).',
  );
}
if (!synced) console.log('\nThe project references are not those of the package.json files: run `npx nx sync`.');
if (!synced || !held) console.log('\nNot everything holds; the failures stand above.');
console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = synced && held && failed === 0 ? 0 : 1;
