/**
 * `npm run parity`: has the Python libraries read and compute what loran writes, check after check.
 *
 *   npm run parity [-- CHECK …] [--list] [--python python3] [--model MODEL] [--llama FOLDER] [--transformers-js FOLDER] [--mlx PYTHON]
 *   npm run parity:golden [-- SCRIPT …]          makes the golden values of the tests anew instead
 *
 * --python  an interpreter with the packages of requirements.txt; default: a virtual environment in .cache/parity, made when it is
 *           missing or requirements.txt has changed
 * --llama   a folder where node-llama-cpp is installed; --transformers-js: one where @huggingface/transformers is
 * --mlx     an interpreter with mlx-lm
 * --model   for llama.cpp and transformers.js, default SmolLM2 in LORAN_TEST_DATA
 *
 * A line for each check; its output goes to .cache/parity/CHECK.log, the end of it here when it fails. Exits with 1 when one does.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = path.dirname(fileURLToPath(import.meta.url));
const cache = path.join(here, '../../.cache/parity');
const requirements = path.join(here, 'requirements.txt');

const checks = new Map([
  ['peft-roundtrip', 'PEFT loads adapters trained on BERT'],
  ['peft-families', 'PEFT loads adapters of every family'],
  ['reduce', 'PEFT loads adapters reduced to LoRA'],
  ['added-tokens', 'transformers and PEFT read models with added tokens'],
  ['exports', 'transformers, PEFT, gguf, safetensors and onnxruntime read merged folders, GGUF, MLX and ONNX'],
  ['bnb', 'transformers over bitsandbytes reads 4-bit checkpoints'],
  ['hub-cache', 'huggingface_hub shares its cache'],
  ['llama-cpp', 'llama.cpp generates the same tokens from GGUF'],
  ['transformers-js', 'transformers.js generates the same tokens from ONNX'],
  ['mlx', 'mlx-lm loads MLX adapters, and its own are loaded'],
]);
/** Python that a check runs, and what scripts share; all others make golden values. */
const others = new Set([
  'added_tokens_read',
  'bnb_read',
  'exports_read',
  'golden_files',
  'hub_cache',
  'mlx_read',
  'peft_loads',
  'reduce_read',
]);

function main() {
  const { values: options, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      golden: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      python: { type: 'string' },
      model: { type: 'string' },
      llama: { type: 'string' },
      'transformers-js': { type: 'string' },
      mlx: { type: 'string' },
    },
  });
  const known = options.golden ? goldenScripts() : checks;
  if (options.list) return void [...known].forEach(([name, what]) => console.log(`${name.padEnd(18)}${what}`));
  const unknown = positionals.filter((name) => !known.has(name));
  if (unknown.length > 0) fail(2, `There is no ${unknown.join(', ')}; known are ${[...known.keys()].join(', ')}.`);

  mkdirSync(cache, { recursive: true });
  const python = options.python ?? virtualEnvironment();
  const wanted = positionals.length > 0 ? positionals : [...known.keys()];
  const results = wanted.map((name) => (options.golden ? golden(python, name) : check(python, name, options)));
  const count = (result) => results.filter((each) => each === result).length;
  console.log(`\n${count('ok')} passed, ${count('failed')} failed, ${count('not run')} not run.`);
  process.exitCode = count('failed') > 0 ? 1 : 0;
}

function check(python, name, options) {
  const args = argumentsOf(name, python, options);
  if (typeof args === 'string') return report(name, 'not run', args);
  const tsx = ['--conditions=@loran/source', `--import=${import.meta.resolve('tsx')}`];
  return timed(name, process.execPath, [...tsx, path.join(here, `${name}.ts`), ...args]);
}

/** What a check is called with, or what it lacks. */
function argumentsOf(name, python, options) {
  const library = libraries.get(name);
  if (library !== undefined) return libraryArguments(library, options);
  if (name !== 'mlx') return ['--python', python];
  return options.mlx === undefined ? 'needs --mlx PYTHON, an interpreter with mlx-lm' : ['--mlx', options.mlx];
}

/** Checks that take a model and a library which is installed elsewhere: its flag and its package. */
const libraries = new Map([
  ['llama-cpp', { flag: 'llama', library: 'node-llama-cpp' }],
  ['transformers-js', { flag: 'transformers-js', library: '@huggingface/transformers' }],
]);

/** What such a check needs, or what is missing. */
function libraryArguments({ flag, library }, { model = smolLm2(), ...options }) {
  const folder = options[flag];
  if (folder === undefined) return `needs npm install --prefix FOLDER ${library}, then --${flag} FOLDER`;
  if (model === undefined) return 'needs a model: give --model, or set LORAN_TEST_DATA';
  return [model, `--${flag}`, folder];
}

/** The model's folder among the data of the tests; `undefined` where it is not there. */
function smolLm2() {
  const folder = path.join(process.env.LORAN_TEST_DATA ?? '', 'models/smollm2-135m-instruct-gguf');
  return process.env.LORAN_TEST_DATA !== undefined && existsSync(folder) ? folder : undefined;
}

function goldenScripts() {
  const scripts = readdirSync(here).flatMap((file) => (file.endsWith('.py') ? [path.basename(file, '.py')] : []));
  return new Map(scripts.filter((name) => !others.has(name)).map((name) => [name, `${name}.py`]));
}

function golden(python, name) {
  const args = name === 'smollm2' ? [smolLm2()] : [];
  if (args.includes(undefined)) return report(name, 'not run', 'needs SmolLM2 in LORAN_TEST_DATA');
  return timed(name, python, [path.join(here, `${name}.py`), ...args]);
}

/** Runs a command with its output in a file. */
function timed(name, command, args) {
  const log = path.join(cache, `${name}.log`);
  const file = openSync(log, 'w');
  const begin = performance.now();
  const { status, signal, error } = spawnSync(command, args, { stdio: ['ignore', file, file] });
  closeSync(file);
  if (signal === 'SIGINT') process.exit(130);
  if (error !== undefined) return report(name, 'failed', error.message);
  const seconds = `${((performance.now() - begin) / 1000).toFixed(1)} s`;
  if (status === 0) return report(name, 'ok', seconds);
  const end = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-20).join('\n    ');
  return report(name, 'failed', `${seconds}; the end of ${path.relative(process.cwd(), log)}:\n    ${end}`);
}

function report(name, result, detail) {
  console.log(`${result.padEnd(9)}${name.padEnd(18)}${detail}`);
  return result;
}

/** The interpreter of .cache/parity, made with the pinned packages. */
function virtualEnvironment() {
  const folder = path.join(cache, 'venv');
  const python = path.join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  const stamp = path.join(folder, 'installed.txt');
  const pinned = readFileSync(requirements, 'utf8');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === pinned && versionOf(python) !== undefined) return python;

  const base = ['python3', 'python'].find((command) => (versionOf(command) ?? 0) >= 310);
  if (base === undefined) fail(1, 'No Python 3.10 or newer is found as python3. Install one, or give --python.');
  console.log(
    `Making ${path.relative(process.cwd(), folder)} with ${pinned.trim().split('\n').join(', ')}; this downloads gigabytes.`,
  );
  rmSync(folder, { recursive: true, force: true });
  for (const args of [
    ['-m', 'venv', folder],
    ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements],
  ]) {
    const { status } = spawnSync(args.includes('venv') ? base : python, args, {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    if (status !== 0) fail(1, `python ${args.slice(0, 3).join(' ')} failed; its message stands above.`);
  }
  writeFileSync(stamp, pinned);
  return python;
}

/** 311 of Python 3.11; `undefined` where the command is none. */
function versionOf(command) {
  const script = 'import sys; print(sys.version_info[0] * 100 + sys.version_info[1])';
  const { status, stdout } = spawnSync(command, ['-c', script], { encoding: 'utf8' });
  return status === 0 ? Number(stdout) : undefined;
}

function fail(code, message) {
  console.error(message);
  process.exit(code);
}

main();
