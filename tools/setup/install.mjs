/**
 * Installs what the workspace needs, when it is not there: `npm start`, `npm test` and the others call this first, so that a fresh
 * clone needs no third command. Uses nothing but Node, and runs in milliseconds when there is nothing to do.
 *
 *   node tools/setup/install.mjs [--quiet]      --quiet: not a word unless something is installed or fails
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { staleness } from './installed.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const bundler = path.join(root, 'tools/gradients/bundle.mjs');
const gradients = path.join(root, 'packages/tensor/generated/tfjs-gradients.mjs');

/** Exits with a message when the Node that runs this is too old for the toolchain. */
function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const supported = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;
  if (supported) return;
  console.error(
    `loran needs Node 20.19 or newer (of 22: 22.12 or newer); this is ${process.versions.node}. Install a current Node: https://nodejs.org`,
  );
  process.exit(1);
}

/** Runs a command with its output on stderr, since stdout belongs to the results of the command that comes after. */
function run(command, args) {
  return spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', process.stderr.fd, process.stderr.fd],
    shell: process.platform === 'win32' && command === 'npm',
    // With NODE_ENV=production npm would leave out the tools.
    env: { ...process.env, NODE_ENV: 'development' },
  });
}

/** Runs `install` with node_modules/.cache put aside: `npm ci` removes node_modules whole, and TensorFlow or a model may lie there. */
function keepingCache(install) {
  const cache = path.join(root, 'node_modules/.cache');
  const aside = path.join(root, '.cache/node_modules');
  if (existsSync(cache) && !existsSync(aside)) {
    mkdirSync(path.dirname(aside), { recursive: true });
    renameSync(cache, aside);
  }
  const result = install();
  // Also what an interrupted installation left aside.
  if (existsSync(aside) && existsSync(path.dirname(cache)) && !existsSync(cache)) renameSync(aside, cache);
  return result;
}

function npmInstall(reason) {
  console.error(`Installing the dependencies (${reason}); this takes about a minute.`);
  const caller = process.env.npm_execpath; // the package manager that runs this script
  const npm = caller?.endsWith('npm-cli.js') === true ? caller : undefined;
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status, error, signal } = keepingCache(() =>
    npm === undefined ? run('npm', args) : run(process.execPath, [npm, ...args]),
  );
  if (status === 0) return;
  if (signal !== null) process.exit(130);
  console.error(
    `\nThe installation failed${error === undefined ? '' : `: ${error.message}`}. npm's message stands above. Common causes: no way to the registry (check the network ` +
      'or your npm proxy settings), a full disk, or a package.json that was edited without `npm install`.',
  );
  process.exit(status ?? 1);
}

/** When a file was last written, in milliseconds; 0 where there is none. */
function modified(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

requireNode();
const quiet = process.argv.includes('--quiet');
const reason = staleness(root);
if (reason !== undefined) npmInstall(reason);
else if (!quiet) console.error('Dependencies: up to date.');

// Made from the installed tfjs-core, so it is made anew with it.
if (reason !== undefined || modified(gradients) < modified(bundler)) {
  const { status } = run(process.execPath, [bundler]);
  if (status !== 0) {
    console.error('Bundling the gradients of tfjs-core failed; the message stands above.');
    process.exit(status ?? 1);
  }
}
