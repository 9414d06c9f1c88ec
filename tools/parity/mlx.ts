/**
 * MLX adapters both ways: mlx-lm loads those written here on the model's own folder and computes the same logits, and those that
 * mlx-lm writes are loaded here and compute its.
 *
 *   python -m pip install "mlx[cpu]" mlx-lm          (on a Mac: mlx-lm alone)
 *   npx tsx --conditions=@loran/source tools/parity/mlx.ts --mlx PYTHON
 *
 * Tiny random models of each family that both know. Prints the differences, relative to the scale of the logits; exits with 1 when
 * one is above 1e-4, or for Gemma 3, whose embeddings mlx-lm multiplies with a factor rounded to bf16, above 1e-3.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { adapterParameters, AdapterSet, loadMlxAdapter, saveMlxAdapter } from '@loran/adapter';
import { lora } from '@loran/lora';
import { type LanguageModel, loadLanguageModel } from '@loran/models';
import { openEngine, portableEngine, randomStream } from '@loran/tensor';

const here = path.dirname(fileURLToPath(import.meta.url));
const decoders = path.join(here, '../../packages/models/src/__fixtures__/decoders');
const { values } = parseArgs({ options: { mlx: { type: 'string', default: 'python3' } } });
const ids = [[1, 17, 5]]; // within the tiny windows of tiny models, which mlx-lm does not know for all families
const root = mkdtempSync(path.join(tmpdir(), 'loran-mlx-'));

const most = (name: string): number => (name === 'gemma3' ? 1e-3 : 1e-4);

await openEngine(portableEngine('cpu'));
try {
  const cases = [];
  for (const name of ['llama', 'llama3', 'mistral', 'qwen2', 'qwen3', 'gemma2', 'gemma3']) {
    const folder = path.join(root, name);
    const base = path.join(folder, 'base');
    cpSync(path.join(decoders, name), base, { recursive: true });
    namePositions(path.join(base, 'config.json'));
    for (const file of ['tokenizer.json', 'tokenizer_config.json']) {
      cpSync(path.join(decoders, file), path.join(base, file));
    }
    const model = await loadLanguageModel(base);
    const adapters = new AdapterSet(model);
    const adapter = await adapters.add({ method: lora, config: { rank: 2, alpha: 3 }, targetModules: 'all-linear' });
    for (const [key, parameter] of adapterParameters(adapter)) {
      parameter.assign(randomStream(5).derive(key).normal(parameter.shape, 0, 0.1));
    }
    await saveMlxAdapter(adapter, model, path.join(folder, 'adapter'));
    const logits = await logitsOf(model);
    adapters.activate();
    cases.push({ name, ids, base: await logitsOf(model), logits, most: most(name) });
    model.dispose();
  }
  writeFileSync(path.join(root, 'cases.json'), JSON.stringify(cases));
  const script = path.join(here, 'mlx_read.py');
  const { status } = spawnSync(values.mlx, [script, root], { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) process.exitCode = 1;
  else for (const { name } of cases) await compareTheirs(name);
} finally {
  rmSync(root, { recursive: true });
}

/** mlx-lm reads rotary positions by the fields that transformers had before its version 5. */
function namePositions(file: string): void {
  const config = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  type Positions = Readonly<Record<string, Record<string, unknown> | undefined>>;
  const positions = config['rope_parameters'] as Positions;
  const { rope_theta, ...scaling }: Record<string, unknown> = positions['full_attention'] ?? positions;
  const named = {
    rope_theta,
    rope_scaling: scaling['rope_type'] === 'default' ? null : scaling,
    rope_local_base_freq: positions['sliding_attention']?.['rope_theta'],
    sliding_window_pattern: 2, // of Gemma 3: the tiny model's second layer sees everything
  };
  writeFileSync(file, JSON.stringify({ ...config, ...named }));
}

/** The adapter that mlx-lm wrote, on the model here. */
async function compareTheirs(name: string): Promise<void> {
  const folder = path.join(root, name);
  const model = await loadLanguageModel(path.join(folder, 'base'));
  await loadMlxAdapter(new AdapterSet(model), path.join(folder, 'theirs'), { methods: [lora] });
  const expected = JSON.parse(readFileSync(path.join(folder, 'theirs.json'), 'utf8')) as number[][];
  const actual = await logitsOf(model);
  const scale = Math.max(1, ...expected.flat().map(Math.abs));
  const difference = Math.max(...expected.flatMap((row, i) => row.map((x, j) => Math.abs(x - actual[i]![j]!)))) / scale;
  console.log(JSON.stringify({ compared: `${name}: an adapter of mlx-lm's`, difference }));
  if (!(difference <= most(name))) process.exitCode = 1;
  model.dispose();
}

async function logitsOf(model: LanguageModel): Promise<number[][]> {
  const scores = tf.tidy(() => model.scores(model.hidden({ ids: tf.tensor2d(ids, undefined, 'int32') })));
  const rows = (await scores.array()) as number[][];
  scores.dispose();
  return rows;
}
