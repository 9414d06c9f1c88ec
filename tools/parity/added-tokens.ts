/**
 * Tiny models with added tokens and a random adapter, written by loran: Python's transformers and PEFT read the tokenizer, the
 * adapter on the resized base, and the merged folder, and compute the same.
 *
 *   npx tsx --conditions=@loran/source tools/parity/added-tokens.ts [--python python3]
 *
 * Prints the largest differences; exits with 1 when one is above 1e-4 of the values' scale. added_tokens.py is the other way.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { adapterParameters, AdapterSet, saveAdapter } from '@loran/adapter';
import { lora } from '@loran/lora';
import { loadLanguageModel, openModel, saveMergedModel, saveTokenizer, withAddedTokens } from '@loran/models';
import { closeEngine, openEngine, portableEngine, randomStream } from '@loran/tensor';

const here = path.dirname(fileURLToPath(import.meta.url));
const decoders = path.join(here, '../../packages/models/src/__fixtures__/decoders');
const { values } = parseArgs({ options: { python: { type: 'string', default: 'python3' } } });

const tokens = ['<tool>', '<end_tool>', '<think>'];
const text = 'a <tool>b<end_tool><think> <tool';
const cases = [
  { name: 'llama', modulesToSave: ['embed_tokens', 'lm_head'], tied: false },
  { name: 'llama3', modulesToSave: ['embed_tokens', 'lm_head'], tied: true },
  { name: 'gpt2', modulesToSave: ['wte', 'lm_head'], tied: true },
  { name: 'falcon-new-one-norm', modulesToSave: ['word_embeddings', 'lm_head'], tied: false },
];

await openEngine(portableEngine('cpu'));
for (const { name, modulesToSave, tied } of cases) {
  const folder = mkdtempSync(path.join(tmpdir(), 'loran-tokens-'));
  const base = path.join(folder, 'base');
  try {
    cpSync(path.join(decoders, name), base, { recursive: true });
    for (const file of ['tokenizer.json', 'tokenizer_config.json']) {
      cpSync(path.join(decoders, file), path.join(base, file));
    }
    const source = withAddedTokens(await openModel(base), tokens);
    const model = await loadLanguageModel(source);
    const set = new AdapterSet(model);
    const adapter = await set.add({
      method: lora,
      config: { rank: 3, alpha: 6 },
      targetModules: model.targetModules,
      modulesToSave,
      ensureWeightTying: tied,
    });
    for (const [key, parameter] of adapterParameters(adapter)) {
      parameter.assign(tf.add(parameter, randomStream(7).derive(key).normal(parameter.shape, 0, 0.2)));
    }
    await saveAdapter(adapter, path.join(folder, 'adapter'), { taskType: 'CAUSAL_LM' });
    await saveTokenizer(model.tokenizer, path.join(folder, 'adapter'));
    await saveMergedModel(source, model, set, path.join(folder, 'merged'));
    const ids = model.tokenizer.encode([text]);
    const logits = await tf
      .tidy(() => model.scores(model.hidden({ ids: tf.tensor2d(ids, undefined, 'int32') })))
      .array();
    writeFileSync(path.join(folder, 'expected.json'), JSON.stringify({ name, text, ids, logits, tied }));
    await source.weights.close();
    const script = path.join(here, 'added_tokens_read.py');
    const { status } = spawnSync(values.python, [script, folder], { stdio: ['ignore', 'inherit', 'inherit'] });
    if (status !== 0) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
await closeEngine();
