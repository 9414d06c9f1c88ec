/**
 * LoRAN adapters reduced to LoRA, by a fixed rank and by a share of the energy: Python's PEFT loads them, has for every module the best
 * approximation of its update that numpy finds, and computes the same logits.
 *
 *   npx tsx --conditions=@loran/source tools/parity/reduce.ts [--python python3]
 *
 * Prints the largest differences, and exits with 1 when one is above 1e-4 of the values' scale.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { relu } from '@loran/activations';
import { adapterParameters, AdapterSet, saveAdapter } from '@loran/adapter';
import { reduceToLora } from '@loran/analysis';
import { onnxruntime } from '@loran/engine-onnxruntime';
import { fromFloat32, type TensorBytes, writeSafetensors } from '@loran/formats';
import { lora } from '@loran/lora';
import { loran } from '@loran/loran';
import { loadLanguageModel } from '@loran/models';
import { closeEngine, openEngine, randomStream } from '@loran/tensor';

const here = path.dirname(fileURLToPath(import.meta.url));
const fixtures = path.join(here, '../../packages/models/src/__fixtures__/decoders');
const { values } = parseArgs({ options: { python: { type: 'string', default: 'python3' } } });
const ids = [[5, 17, 60, 33, 8, 41, 40]];

await openEngine(onnxruntime, { device: 'cpu' });
for (const name of ['llama', 'gpt2', 'falcon']) {
  const folder = mkdtempSync(path.join(tmpdir(), 'loran-reduce-'));
  try {
    const base = path.join(folder, 'base');
    cpSync(path.join(fixtures, name), base, { recursive: true });
    for (const file of ['tokenizer.json', 'tokenizer_config.json']) {
      cpSync(path.join(fixtures, file), path.join(base, file));
    }
    for (const choice of [{ rank: 5 }, { energy: 0.9 }]) await check(name, base, folder, choice);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
await closeEngine();

async function check(name: string, base: string, folder: string, choice: { rank?: number; energy?: number }) {
  const model = await loadLanguageModel(base);
  const set = new AdapterSet(model);
  const adapter = await set.add({
    method: loran,
    config: { rank: 3, alpha: 6, activation: relu },
    targetModules: 'all-linear',
  });
  for (const [key, parameter] of adapterParameters(adapter)) {
    parameter.assign(randomStream(7).derive(key).normal(parameter.shape, 0, 0.2));
  }
  const updates: [string, TensorBytes][] = [];
  for (const [module, layer] of adapter.layers) {
    const update = layer.delta().weight!; // [out, in]
    const data = fromFloat32(await update.data<'float32'>(), 'F32');
    updates.push([module, { dtype: 'F32', shape: update.shape, data }]);
    update.dispose();
  }
  const { adapter: reduced, layers, error } = await reduceToLora(set, 'default', { methods: [lora], ...choice });
  set.activate(reduced.name);
  const logits = await tf.tidy(() => model.scores(model.hidden({ ids: tf.tensor2d(ids, undefined, 'int32') }))).array();
  const saved = path.join(folder, 'adapter');
  await saveAdapter(reduced, saved, { taskType: 'CAUSAL_LM' });
  await writeSafetensors(path.join(folder, 'updates.safetensors'), updates, {});
  const expected = path.join(folder, 'expected.json');
  writeFileSync(expected, JSON.stringify({ name, choice, ids, logits, layers, error }));
  model.dispose();
  const script = path.join(here, 'reduce_read.py');
  const { status } = spawnSync(values.python, [script, base, folder], { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) process.exitCode = 1;
}
