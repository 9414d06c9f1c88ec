/**
 * Random adapters on the tiny models of every kind, LoRA and the methods besides, saved by loran: Python's PEFT loads them and computes the same.
 *
 *   npx tsx --conditions=@loran/source tools/parity/peft-families.ts [--python python3]
 *
 * Prints PEFT's largest difference for each, and exits with 1 when one is above 1e-4 of the values' scale.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { type Adaptable, type AdapterMethod, adapterParameters, AdapterSet, saveAdapter } from '@loran/adapter';
import { onnxruntime } from '@loran/engine-onnxruntime';
import { hira } from '@loran/hira';
import { ia3 } from '@loran/ia3';
import { lora } from '@loran/lora';
import { loadLanguageModel, loadSequenceClassifier, loadSequenceToSequenceModel } from '@loran/models';
import { peanut } from '@loran/peanut';
import { vera } from '@loran/vera';
import { closeEngine, openEngine, randomStream } from '@loran/tensor';

const here = path.dirname(fileURLToPath(import.meta.url));
const fixtures = path.join(here, '../../packages/models/src/__fixtures__');
const { values } = parseArgs({ options: { python: { type: 'string', default: 'python3' } } });

const ids = [
  [5, 17, 60, 33, 8, 91, 40],
  [9, 44, 30, 51, 2, 0, 0],
];
const mask = ids.map((row) => row.map((id) => (id === 0 ? 0 : 1)));
const decoderIds = [
  [0, 33, 8, 91],
  [0, 20, 44, 9],
];
const int = (rows: number[][]): Tensor2D => tf.tensor2d(rows, undefined, 'int32');
const batch = () => ({ ids: int(ids), mask: int(mask) });

interface Loaded extends Adaptable {
  readonly targetModules: readonly string[];
  readonly compute: () => tf.Tensor;
}

const languageModel = async (folder: string): Promise<Loaded> => {
  const model = await loadLanguageModel(folder);
  const compute = () => tf.reshape(model.scores(model.hidden(batch())), [ids.length, -1, model.vocabularySize]);
  return Object.assign(model, { compute });
};
const classifier = async (folder: string): Promise<Loaded> => {
  const model = await loadSequenceClassifier(folder, { labels: ['a', 'b', 'c'], freshClassifier: true });
  return Object.assign(model, { compute: () => model.logits(batch()) });
};
const sequenceToSequence = async (folder: string): Promise<Loaded> => {
  const model = await loadSequenceToSequenceModel(folder);
  const compute = () => {
    const hidden = model.hidden({ ids: int(decoderIds) }, model.encode(batch()));
    return tf.reshape(model.scores(hidden), [ids.length, -1, model.vocabularySize]);
  };
  return Object.assign(model, { compute });
};

interface Case {
  readonly model: string;
  readonly compared: string;
  readonly task: string;
  readonly load: (folder: string) => Promise<Loaded>;
  readonly save: readonly string[];
  /** Default LoRA. */
  readonly method?: AdapterMethod<never>;
  readonly config?: (targetModules: readonly string[]) => object;
}

const llama = { model: 'decoders/llama', compared: 'scores', task: 'CAUSAL_LM', load: languageModel, save: [] };
const gpt2 = { ...llama, model: 'decoders/gpt2' };
const flan = { model: 't5/flan', compared: 'written', task: 'SEQ_2_SEQ_LM', load: sequenceToSequence, save: [] };

const cases: readonly Case[] = [
  llama,
  gpt2,
  { model: 'decoders/gpt2', compared: 'scores', task: 'CAUSAL_LM', load: languageModel, save: ['mlp.c_proj'] },
  { model: 'decoders/falcon', compared: 'scores', task: 'CAUSAL_LM', load: languageModel, save: [] },
  { model: 'decoders/gpt2', compared: 'logits', task: 'SEQ_CLS', load: classifier, save: ['score'] },
  { model: 'decoders/llama', compared: 'logits', task: 'SEQ_CLS', load: classifier, save: ['score'] },
  { model: 'encoders/roberta', compared: 'logits', task: 'SEQ_CLS', load: classifier, save: ['classifier'] },
  {
    model: 'encoders/distilbert',
    compared: 'logits',
    task: 'SEQ_CLS',
    load: classifier,
    save: ['pre_classifier', 'classifier'],
  },
  flan,
  ...[llama, gpt2, flan].flatMap((each) => [
    { ...each, method: vera, config: () => ({ rank: 5 }) },
    { ...each, method: ia3, config: (targets: readonly string[]) => ({ feedforwardModules: targets.slice(-1) }) },
    { ...each, method: hira, config: () => ({ rank: 3 }) },
  ]),
  ...[llama, flan].map((each) => ({
    ...each, // PEFT puts PEANuT on no Conv1D layers
    method: peanut,
    config: () => ({ rank: 3, depth: 1, activation: 'gelu_new', scaling: 0.5 }),
  })),
];

await openEngine(onnxruntime, { device: 'cpu' });
for (const {
  model: name,
  compared,
  task,
  load,
  save,
  method = lora,
  config = () => ({ rank: 3, alpha: 6 }),
} of cases) {
  const folder = mkdtempSync(path.join(tmpdir(), 'loran-peft-'));
  const [base, saved] = [path.join(folder, 'model'), path.join(folder, 'adapter')];
  try {
    cpSync(path.join(fixtures, name), base, { recursive: true });
    for (const file of ['tokenizer.json', 'tokenizer_config.json']) {
      cpSync(path.join(fixtures, 'decoders', file), path.join(base, file));
    }
    const model = await load(base);
    const adapter = await new AdapterSet(model).add({
      method: method as AdapterMethod,
      config: config(model.targetModules),
      targetModules: model.targetModules,
      modulesToSave: save,
    });
    for (const [key, parameter] of adapterParameters(adapter)) {
      parameter.assign(randomStream(7).derive(key).normal(parameter.shape, 0, 0.2));
    }
    await saveAdapter(adapter, saved, { taskType: task });
    const expected = path.join(folder, 'expected.json');
    const computed: unknown = await tf.tidy(model.compute).array();
    writeFileSync(
      expected,
      JSON.stringify({ model: `${name}, ${method.name}`, compared, ids, mask, decoderIds, values: computed }),
    );
    const script = path.join(here, 'peft_loads.py');
    const { status } = spawnSync(values.python, [script, base, saved, expected], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    if (status !== 0) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
await closeEngine();
