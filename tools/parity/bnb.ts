/**
 * Writes tiny models that are kept in NF4 and FP4 as bitsandbytes' checkpoints, as they are and with a random adapter merged in, and has
 * transformers load them over bitsandbytes: the logits are equal.
 *
 *   npx tsx --conditions=@loran/source tools/parity/bnb.ts [--python python3]
 *
 * Prints the largest difference for each; exits with 1 when one is above 1e-5 of the logits' scale.
 */
import { spawnSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { type Adaptable, adapterParameters, AdapterSet, type BaseStorage, fp32 } from '@loran/adapter';
import { lora } from '@loran/lora';
import {
  loadLanguageModel,
  loadSequenceClassifier,
  loadSequenceToSequenceModel,
  openModel,
  saveMergedModel,
  type StoredModel,
} from '@loran/models';
import { createFp4, createNf4, fp4, nf4 } from '@loran/qlora';
import { openEngine, portableEngine, randomStream } from '@loran/tensor';

const here = path.dirname(fileURLToPath(import.meta.url));
const fixtures = path.join(here, '../../packages/models/src/__fixtures__');
const { values } = parseArgs({ options: { python: { type: 'string', default: 'python3' } } });
const ids = () => tf.tensor2d([[1, 17, 5, 46, 33, 8, 41, 40]], undefined, 'int32');

interface Loaded {
  readonly model: StoredModel & Adaptable & { dispose(): void };
  readonly logits: () => tf.Tensor;
}

const languageModel =
  (base = nf4) =>
  async (folder: string): Promise<Loaded> => {
    const model = await loadLanguageModel(folder, { base });
    return { model, logits: () => model.scores(model.hidden({ ids: ids() })) };
  };
const classifier = async (folder: string): Promise<Loaded> => {
  const model = await loadSequenceClassifier(folder, { base: nf4 });
  return { model, logits: () => model.logits({ ids: ids() }) };
};
const t5 = async (folder: string): Promise<Loaded> => {
  const base = (module: string) => (module.endsWith('.wo') ? fp32 : nf4); // transformers keeps T5's wo in fp32
  const model = await loadSequenceToSequenceModel(folder, { base });
  return { model, logits: () => model.scores(model.hidden({ ids: ids() }, model.encode({ ids: ids() }))) };
};

interface Case {
  readonly fixture: string;
  readonly task: string;
  readonly load: (folder: string) => Promise<Loaded>;
  /** Default: NF4. */
  readonly packed?: BaseStorage;
}

const cases: readonly Case[] = [
  { fixture: 'decoders/llama', task: 'CausalLM', load: languageModel() },
  { fixture: 'decoders/qwen2', task: 'CausalLM', load: languageModel(createNf4({ doubleQuantisation: false })) },
  { fixture: 'decoders/gemma3', task: 'CausalLM', load: languageModel(createNf4({ blockSize: 128 })) },
  { fixture: 'decoders/gpt2', task: 'CausalLM', load: languageModel() },
  { fixture: 'decoders/mistral', task: 'CausalLM', load: languageModel(fp4), packed: fp4 },
  {
    fixture: 'decoders/qwen3',
    task: 'CausalLM',
    load: languageModel(createFp4({ blockSize: 2048, doubleQuantisation: false })),
    packed: fp4,
  },
  { fixture: 'bnb/llama', task: 'CausalLM', load: languageModel() },
  { fixture: 'bnb/llama-fp4', task: 'CausalLM', load: languageModel(fp4), packed: fp4 },
  { fixture: 'bnb/gpt2', task: 'CausalLM', load: languageModel() },
  { fixture: 'tiny-bert', task: 'SequenceClassification', load: classifier },
  { fixture: 't5/flan', task: 'Seq2SeqLM', load: t5 },
];

const root = await mkdtemp(path.join(tmpdir(), 'loran-bnb-'));
try {
  await openEngine(portableEngine('cpu'));
  const written: { folder: string; task: string; ids: number[][]; logits: unknown }[] = [];
  for (const { fixture, task, load, packed = nf4 } of cases) {
    const base = path.join(root, 'base', fixture);
    cpSync(path.join(fixtures, fixture), base, { recursive: true });
    for (const file of ['tokenizer.json', 'tokenizer_config.json']) {
      cpSync(path.join(fixtures, 'decoders', file), path.join(base, file), { force: false }); // BERT has its own
    }
    const { model, logits } = await load(base);
    const adapters = new AdapterSet(model);
    const source = await openModel(base);
    const save = async (folder: string) => {
      await saveMergedModel(source, model, adapters, folder, { packed });
      const again = await load(folder); // merged layers are quantised again, so only the folder has their values
      written.push({ folder, task, ids: ids().arraySync(), logits: await again.logits().array() });
      again.model.dispose();
    };
    const plain = await logits().data();
    await save(path.join(root, fixture));
    if (difference(plain, written.at(-1)!.logits) !== 0) throw new Error(`${fixture} is not loaded as it was saved.`);
    const adapter = await adapters.add({ method: lora, targetModules: 'all-linear' });
    for (const [key, parameter] of adapterParameters(adapter)) {
      parameter.assign(randomStream(5).derive(key).normal(parameter.shape, 0, 0.1));
    }
    await save(path.join(root, `${fixture}-adapted`));
    await source.weights.close();
    model.dispose();
  }
  await writeFile(path.join(root, 'cases.json'), JSON.stringify(written));
  const script = path.join(here, 'bnb_read.py');
  const { status } = spawnSync(values.python, [script, root], { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) process.exitCode = 1;
} finally {
  await rm(root, { recursive: true });
}

function difference(before: ArrayLike<number>, after: unknown): number {
  const flat = (after as number[][]).flat(Infinity) as number[];
  return Math.max(...flat.map((value, i) => Math.abs(value - (before[i] ?? Number.NaN))));
}
