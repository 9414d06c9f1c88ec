/**
 * Writes tiny models and a random adapter in every format, and has the Python libraries read them: transformers the merged
 * folders, PEFT the adapter on its base, gguf the GGUF files, safetensors the MLX adapter, onnxruntime the ONNX models and adapters.
 *
 *   npx tsx --conditions=@loran/source tools/parity/exports.ts [--python python3] [--keep FOLDER]
 *
 * Prints the largest differences from what was computed here; exits with 1 when one is above 1e-4.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { adapterParameters, AdapterSet, saveAdapter, saveMlxAdapter } from '@loran/adapter';
import { lora } from '@loran/lora';
import {
  type LanguageModel,
  loadLanguageModel,
  loadSequenceClassifier,
  openModel,
  saveGguf,
  saveGgufAdapter,
  saveMergedModel,
  saveOnnx,
  saveOnnxAdapter,
  type SequenceClassifier,
} from '@loran/models';
import { openEngine, portableEngine, randomStream } from '@loran/tensor';

const here = path.dirname(fileURLToPath(import.meta.url));
const fixtures = path.join(here, '../../packages/models/src/__fixtures__');
const { values } = parseArgs({ options: { python: { type: 'string', default: 'python3' }, keep: { type: 'string' } } });
const root = values.keep ?? (await mkdtemp(path.join(tmpdir(), 'loran-exports-')));
const ids = [[1, 17, 5, 46, 33, 8, 41, 40]];
const text = 'A!"#$ the cat';
const inMlx = new Set(['llama', 'llama3', 'mistral', 'qwen2', 'qwen3', 'gemma2', 'gemma3']);

interface Case {
  readonly name: string;
  /** Where Python finds the base as well; none of a GGUF file, whose merged folder alone is compared. */
  readonly base: string | null;
  readonly tokens: number[];
  readonly task: 'CAUSAL_LM' | 'SEQ_CLS';
  readonly ids: number[][];
  readonly logits: number[][];
  readonly gguf: boolean;
  readonly mlx: boolean;
}

await openEngine(portableEngine('cpu'));
try {
  const cases: Case[] = [];
  for (const name of [
    'llama',
    'llama3',
    'mistral',
    'qwen2',
    'qwen3',
    'gemma2',
    'gemma3',
    'gpt2',
    'falcon',
    'falcon-new',
  ]) {
    cases.push(await written(name, await decoderFolder(name), 'CAUSAL_LM'));
  }
  for (const name of ['llama3', 'qwen2-yarn', 'qwen3', 'gemma2', 'gemma3', 'gpt2']) {
    cases.push(await written(`${name}-gguf`, path.join(fixtures, 'gguf', `${name}.gguf`), 'CAUSAL_LM'));
  }
  cases.push(await written('gpt2-classifier', await decoderFolder('gpt2'), 'SEQ_CLS'));
  cases.push(await written('bert', path.join(fixtures, 'tiny-bert'), 'SEQ_CLS'));
  await writeFile(path.join(root, 'cases.json'), JSON.stringify(cases));
  const script = path.join(here, 'exports_read.py');
  const { status } = spawnSync(values.python, [script, root], { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) process.exitCode = 1;
} finally {
  if (values.keep === undefined) await rm(root, { recursive: true });
}

async function decoderFolder(name: string): Promise<string> {
  const folder = path.join(root, 'base', name);
  await mkdir(folder, { recursive: true });
  for (const file of ['config.json', 'generation_config.json', 'model.safetensors']) {
    const from = path.join(fixtures, 'decoders', name, file);
    if (existsSync(from)) cpSync(from, path.join(folder, file));
  }
  for (const file of ['tokenizer.json', 'tokenizer_config.json']) {
    cpSync(path.join(fixtures, 'decoders', file), path.join(folder, file));
  }
  return folder;
}

async function written(name: string, base: string, task: Case['task']): Promise<Case> {
  const out = path.join(root, name);
  await mkdir(out, { recursive: true });
  const labels = name === 'bert' ? {} : { labels: ['a', 'b', 'c'] }; // BERT has a classifier of its own
  const model = task === 'CAUSAL_LM' ? await loadLanguageModel(base) : await loadSequenceClassifier(base, labels);
  const adapters = new AdapterSet(model);
  const adapter = await adapters.add({
    method: lora,
    config: { rank: 2, alpha: 3 },
    targetModules: task === 'CAUSAL_LM' ? 'all-linear' : model.targetModules,
    modulesToSave: task === 'CAUSAL_LM' ? [] : model.outputHead,
  });
  for (const [key, parameter] of adapterParameters(adapter)) {
    parameter.assign(randomStream(5).derive(key).normal(parameter.shape, 0, 0.1));
  }
  const batch = { ids: tf.tensor2d(ids, undefined, 'int32') };
  const scores = isClassifier(model) ? model.logits(batch) : model.scores(model.hidden(batch));
  const source = await openModel(base);
  const gguf = inMlx.has(name) || name === 'gpt2';
  await saveMergedModel(source, model, adapters, path.join(out, 'merged'), { maxShardBytes: 30_000 });
  await saveAdapter(adapter, path.join(out, 'adapter'), { baseModel: base, taskType: task });
  if (inMlx.has(name)) await saveMlxAdapter(adapter, model, path.join(out, 'mlx'));
  const canBeGguf = gguf && !name.startsWith('gemma'); // whose tiny models scale queries in a way of their own
  if (canBeGguf && !isClassifier(model)) {
    const options = { dtype: 'F32', withoutTokenizer: true } as const;
    await saveGguf(source, model, adapters, path.join(out, 'model.gguf'), options);
    await saveGguf(source, model, adapters, path.join(out, 'packed.gguf'), { ...options, dtype: 'Q8_0' });
    await saveGgufAdapter(source, model, adapter, path.join(out, 'adapter.gguf'));
  }
  await saveOnnx(source, model, adapters, path.join(out, 'onnx'));
  if (!isClassifier(model)) {
    adapters.activate(); // none
    const inputs = { adapterInputs: 'all-linear', maxInlineBytes: 0 } as const;
    await saveOnnx(source, model, adapters, path.join(out, 'onnx-base'), inputs);
    await saveOnnxAdapter(model, adapter, path.join(out, 'adapter.onnx_adapter'));
  }
  await source.weights.close();
  const logits = (await scores.array()) as number[][];
  model.dispose();
  const isFile = base.endsWith('.gguf');
  const [tokens = []] = model.tokenizer.encode([text]);
  return { name, base: isFile ? null : base, tokens, task, ids, logits, gguf: canBeGguf, mlx: inMlx.has(name) };
}

function isClassifier(model: LanguageModel | SequenceClassifier): model is SequenceClassifier {
  return 'logits' in model;
}
