/**
 * Prefill and decoding speed of a causal language model, next to transformers on torch and llama.cpp on the same GGUF, where
 * they are installed.
 *
 *   npm run bench:generate -- --model FILE.gguf [--prompt 128] [--tokens 64] [--rounds 3] [--base fp32] [--python python3]
 *     [--llama FOLDER]
 *
 * `--llama`: where `npm install --prefix FOLDER node-llama-cpp` was run, which brings llama.cpp as a binary.
 *
 * Greedy, one text, on the CPU. transformers widens the weights to fp32, ours are kept as `--base` says; llama.cpp multiplies
 * them as the file has them quantised, so it reads fewer bytes a token and rounds otherwise.
 *
 * Each runs in a process of its own, in turns, so that a slow hour of the machine meets all; the medians of the rounds are
 * given, and the ratios of ours to each peer. Nothing else should run meanwhile: llama.cpp's threads wait for each other in
 * loops, and lose most of their speed where other work takes a core.
 */
import { spawn, spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median } from './step/median.js';
import { machine } from './step/report.js';
import type { Speed } from './generate/speed.js';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    prompt: { type: 'string', default: '128' },
    tokens: { type: 'string', default: '64' },
    rounds: { type: 'string', default: '3' },
    base: { type: 'string', default: 'fp32' },
    python: { type: 'string', default: 'python3' },
    llama: { type: 'string' },
    threads: { type: 'string', default: String(availableParallelism()) },
  },
});

if (values.model === undefined) {
  console.error('Name a model: npm run bench:generate -- --model FILE.gguf');
  process.exitCode = 1;
} else {
  await benchmark(values.model);
}

async function benchmark(model: string): Promise<void> {
  const peers = [...(hasTransformers() ? ['transformers'] : []), ...(hasLlama() ? ['llama.cpp'] : [])];
  const speeds = new Map<string, Speed[]>();
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const name of ['loran', ...peers]) {
      console.error(`round ${round + 1}: ${name}`);
      speeds.set(name, [...(speeds.get(name) ?? []), await measured(name, model)]);
    }
  }
  console.log(machine());
  console.log(
    `${model}, base ${values.base}: ${values.prompt} tokens of prompt, then ${values.tokens}; ${values.threads} threads`,
  );
  console.log('              load s   prefill tokens/s   decode tokens/s   peak MiB');
  const own = summary(speeds.get('loran') ?? []);
  for (const [name, of] of speeds) {
    const { load, prefill, decode, peak } = summary(of);
    const ratio =
      name === 'loran'
        ? ''
        : `   loran is ${(own.decode / decode).toFixed(2)} times as fast at decoding, ${(own.prefill / prefill).toFixed(2)} at prefill`;
    console.log(
      `${name.padEnd(12)}${load.toFixed(2).padStart(8)}${prefill.toFixed(0).padStart(19)}${decode.toFixed(1).padStart(18)}${peak.toFixed(0).padStart(11)}${ratio}`,
    );
  }
  if (speeds.has('llama.cpp')) {
    console.log(
      `llama.cpp multiplies the weights quantised, as the file has them; loran keeps them in ${values.base}.`,
    );
  }
}

function summary(speeds: readonly Speed[]) {
  const middle = (value: (speed: Speed) => number) => median(speeds.map(value));
  return {
    load: middle(({ loadSeconds }) => loadSeconds),
    prefill: middle(({ promptTokens, prefillSeconds }) => promptTokens / prefillSeconds),
    decode: middle(({ tokenSeconds }) => 1 / tokenSeconds),
    peak: middle(({ peakResidentBytes }) => peakResidentBytes / 2 ** 20),
  };
}

function hasTransformers(): boolean {
  const modules = 'torch, transformers, gguf';
  const { status } = spawnSync(values.python, ['-c', `import ${modules}`], { stdio: 'ignore' });
  if (status !== 0) console.error(`transformers is left out: ${values.python} cannot import ${modules}.`);
  return status === 0;
}

function hasLlama(): boolean {
  if (values.llama !== undefined) return true;
  console.error('llama.cpp is left out: npm install --prefix FOLDER node-llama-cpp, then give --llama FOLDER.');
  return false;
}

async function measured(name: string, model: string): Promise<Speed> {
  const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
  const node = (file: string, last: string) =>
    [process.execPath, [...process.execArgv, here(file), ...shared, last]] as const;
  const shared = [model, values.prompt, values.tokens, values.threads];
  const [program, args] =
    name === 'loran'
      ? node('generate/loran.ts', values.base)
      : name === 'llama.cpp'
        ? node('generate/llama-cpp.ts', values.llama ?? '')
        : ([values.python, [here('generate_peer.py'), ...shared]] as const);
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`${name} ended with code ${code}.`);
  return JSON.parse(output.trim().split('\n').at(-1)!) as Speed;
}
