/**
 * The example of a package by somebody else, tried as its users would have it: packed, installed beside packed packages of loran, in a
 * folder outside this workspace. There its laws and its files are tested, on builds and not on source.
 *
 *   node tools/third-party/run.mjs      after `npm run build`
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const example = path.join(root, 'tools/third-party/package');
const tests = ['laws.test.mjs', 'files.test.mjs'];
const allowed = ['@loran/activations', '@loran/adapter', '@tensorflow/tfjs-core'];

const manifestIn = (folder) => JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
const own = manifestIn(example);

/** The packages of this workspace that `names` need, with all that those need: name -> folder. */
function needed(names) {
  const packages = new Map(
    readdirSync(path.join(root, 'packages')).map((folder) => {
      const place = path.join(root, 'packages', folder);
      return [manifestIn(place).name, place];
    }),
  );
  const found = new Map();
  const visit = (name) => {
    const folder = packages.get(name);
    if (folder === undefined || found.has(name)) return;
    found.set(name, folder);
    const { dependencies = {}, peerDependencies = {} } = manifestIn(folder);
    Object.keys({ ...dependencies, ...peerDependencies }).forEach(visit);
  };
  names.forEach(visit);
  return found;
}

/** Packs folders as npm publishes them and unpacks each under its name in `modules`. */
function install(folders, modules) {
  const packed = mkdtempSync(path.join(tmpdir(), 'loran-packed-'));
  try {
    const options = ['--json', '--ignore-scripts', '--silent', '--pack-destination', packed];
    const output = execFileSync('npm', ['pack', ...folders, ...options], {
      cwd: root,
      encoding: 'utf8',
      shell: process.platform === 'win32',
    });
    for (const { name, filename } of JSON.parse(output)) {
      const place = path.join(modules, name);
      mkdirSync(place, { recursive: true });
      execFileSync('tar', ['-xzf', path.join(packed, filename), '-C', place, '--strip-components=1']);
    }
  } finally {
    rmSync(packed, { recursive: true });
  }
}

/** Everything that is not ours comes from this checkout, by links, so that there is one copy of tfjs-core. */
function linkOthers(modules, ours) {
  const installed = path.join(root, 'node_modules');
  for (const entry of readdirSync(installed)) {
    if (entry.startsWith('.') || entry === '@loran' || entry === 'loran') continue;
    symlinkSync(path.join(installed, entry), path.join(modules, entry), 'junction');
  }
  for (const [name, folder] of ours) {
    const nested = path.join(folder, 'node_modules'); // of versions that differ from the checkout's
    if (existsSync(nested)) symlinkSync(nested, path.join(modules, name, 'node_modules'), 'junction');
  }
}

/** What the packed example imports that it may not, and what it depends on that it may not. */
function strangers(place) {
  const { dependencies = {}, peerDependencies = {} } = manifestIn(place);
  const sources = readdirSync(path.join(place, 'src')).map((file) =>
    readFileSync(path.join(place, 'src', file), 'utf8'),
  );
  const imports = sources.flatMap((text) => [...text.matchAll(/\bfrom '([^.'][^']*)'/g)].map(([, name]) => name));
  return [...Object.keys({ ...dependencies, ...peerDependencies }), ...imports].filter(
    (name) => !allowed.includes(name),
  );
}

const home = mkdtempSync(path.join(tmpdir(), 'loran-third-party-'));
try {
  const modules = path.join(home, 'node_modules');
  mkdirSync(modules);
  const ours = needed(Object.keys({ ...own.peerDependencies, ...own.devDependencies }));
  install([...ours.values(), example], modules);
  linkOthers(modules, ours);

  const foreign = strangers(path.join(modules, own.name));
  if (foreign.length > 0)
    throw new Error(`${own.name} should depend on ${allowed.join(', ')} alone, not on ${foreign}`);
  for (const file of tests) cpSync(path.join(example, file), path.join(home, file));

  const vitest = path.join(root, 'node_modules/vitest/vitest.mjs');
  const options = ['run', '--root', home, '--reporter=dot', '--testTimeout=60000'];
  const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' };
  const { status, stdout, stderr } = spawnSync(process.execPath, [vitest, ...options], {
    cwd: home,
    encoding: 'utf8',
    env,
  });
  if (status !== 0) throw new Error(`${stdout}\n${stderr}\nThe packed example does not keep what it should.`);
  const count = /Tests\s+(\d+) passed/.exec(stdout)?.[1];
  if (count === undefined) throw new Error(`${stdout}\nNo tests ran.`);
  console.log(`${own.name}, packed and installed beside ${ours.size} packed packages: ${count} tests hold.`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  rmSync(home, { recursive: true, force: true });
}
