/**
 * Has transformers.js read what is written as ONNX: the tokens that it generates from a language model with a merged adapter, those
 * that it writes with a tiny T5, and the vectors that it computes with a sentence encoder, whose weights stand in a file of their
 * own, are compared with ours. The adapter is a random LoRA.
 *
 *   npm install --prefix /some/folder @huggingface/transformers
 *   npx tsx --conditions=@loran/source tools/parity/transformers-js.ts MODEL --transformers-js /some/folder [--encoder MODEL] [--tokens 16]
 *
 * MODEL is a Hugging Face folder or a GGUF file of a causal language model; the encoder is by default MiniLM in LORAN_TEST_DATA.
 * Exits with 1 when a token differs, or a vector by more than 1e-4.
 */
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { adapterParameters, AdapterSet } from '@loran/adapter';
import { onnxruntime } from '@loran/engine-onnxruntime';
import { lora } from '@loran/lora';
import {
  generate,
  loadLanguageModel,
  loadSentenceEncoder,
  loadSequenceToSequenceModel,
  openModel,
  saveOnnx,
} from '@loran/models';
import { closeEngine, openEngine, randomStream } from '@loran/tensor';

/** As far as it is used here. */
interface TransformersJs {
  readonly env: { allowRemoteModels: boolean; localModelPath: string };
  readonly AutoTokenizer: { from_pretrained(name: string): Promise<(text: string) => object> };
  readonly AutoModelForCausalLM: {
    from_pretrained(
      name: string,
      options: object,
    ): Promise<{ generate(options: object): Promise<{ tolist(): bigint[][] }>; dispose(): Promise<unknown> }>;
  };
  readonly AutoModelForSeq2SeqLM: TransformersJs['AutoModelForCausalLM'];
  readonly Tensor: new (type: string, data: BigInt64Array, sizes: readonly number[]) => object;
  pipeline(
    task: string,
    name: string,
    options: object,
  ): Promise<(texts: readonly string[], options: object) => Promise<{ tolist(): number[][] }>>;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'transformers-js': { type: 'string', default: '.' },
    encoder: { type: 'string', default: path.join(process.env['LORAN_TEST_DATA'] ?? '', 'models/all-minilm-l6-v2') },
    tokens: { type: 'string', default: '16' },
  },
});
const [from] = positionals;
if (from === undefined) throw new Error('Give the model: a Hugging Face folder or a GGUF file.');
const count = Number(values.tokens);
const prompt = 'The capital of France is Paris. The capital of Italy is';
const sentences = ['A cat sits on the mat.', 'Low-rank adapters are small.'];
const folder = await mkdtemp(path.join(tmpdir(), 'loran-transformers-js-'));

try {
  await openEngine(onnxruntime, { device: 'cpu' });
  const tokens = await writeLanguageModel(from);
  const written = await writeT5();
  const vectors = existsSync(values.encoder) ? await writeEncoder(values.encoder) : undefined;
  await closeEngine();

  const require = createRequire(path.resolve(values['transformers-js'], 'package.json'));
  const library = '@huggingface/transformers'; // installed elsewhere, so no dependency of this repository
  const read = (await import(pathToFileURL(require.resolve(library)).href)) as TransformersJs;
  read.env.allowRemoteModels = false;
  read.env.localModelPath = folder;

  const tokenizer = await read.AutoTokenizer.from_pretrained('language');
  const model = await read.AutoModelForCausalLM.from_pretrained('language', { dtype: 'fp32' });
  const [ids = []] = (
    await model.generate({ ...tokenizer(prompt), max_new_tokens: count, min_new_tokens: count, do_sample: false })
  ).tolist();
  const theirs = ids.map(Number).slice(-count);
  const equal = theirs.findIndex((id, i) => id !== tokens[i]);
  console.log(JSON.stringify({ what: 'tokens', equal: equal < 0 ? theirs.length : equal, ours: tokens, theirs }));
  if (equal >= 0 || theirs.length !== tokens.length) process.exitCode = 1;
  await model.dispose();

  const t5 = await read.AutoModelForSeq2SeqLM.from_pretrained('t5', { dtype: 'fp32' });
  for (const { text, expected } of written) {
    const int64 = (row: readonly number[]) =>
      new read.Tensor('int64', BigInt64Array.from(row.map(BigInt)), [1, row.length]);
    const lengths = { max_new_tokens: expected.length, min_new_tokens: expected.length };
    const inputs = { inputs: int64(text), attention_mask: int64(text.map(() => 1)) };
    const [row = []] = (await t5.generate({ ...inputs, ...lengths, do_sample: false })).tolist();
    const own = row.map(Number).slice(-expected.length);
    console.log(JSON.stringify({ what: 'T5', equal: String(own) === String(expected), expected, theirs: own }));
    if (String(own) !== String(expected)) process.exitCode = 1;
  }
  await t5.dispose();

  if (vectors === undefined) console.log(JSON.stringify({ what: 'vectors', notRun: `${values.encoder} is not there` }));
  else {
    const extract = await read.pipeline('feature-extraction', 'encoder', { dtype: 'fp32' });
    const theirVectors = (await extract(sentences, { pooling: 'mean', normalize: true })).tolist();
    const difference = Math.max(
      ...theirVectors.flatMap((row, i) => row.map((value, j) => Math.abs(value - vectors[i]![j]!))),
    );
    console.log(JSON.stringify({ what: 'vectors', difference }));
    if (!(difference <= 1e-4)) process.exitCode = 1;
  }
} finally {
  await rm(folder, { recursive: true });
}

/** The model with a random adapter merged in, as ONNX; the tokens that it generates here. */
async function writeLanguageModel(name: string): Promise<number[]> {
  const model = await loadLanguageModel(name);
  const adapters = new AdapterSet(model);
  const adapter = await adapters.add({ method: lora, config: { rank: 4, alpha: 8 }, targetModules: 'all-linear' });
  for (const [key, parameter] of adapterParameters(adapter)) {
    parameter.assign(randomStream(3).derive(key).normal(parameter.shape, 0, 0.03));
  }
  const source = await openModel(name);
  await saveOnnx(source, model, adapters, path.join(folder, 'language'));
  await source.weights.close();
  const [prefix = []] = model.tokenizer.encode([prompt]);
  const ids: number[] = [];
  for await (const { id } of generate(model, [prefix], { maxNewTokens: count, endIds: [] })) ids.push(id);
  model.dispose();
  return ids;
}

/** A tiny T5 as ONNX; texts, and what transformers writes of them. */
async function writeT5(): Promise<{ text: number[]; expected: number[] }[]> {
  const fixtures = fileURLToPath(new URL('../../packages/models/src/__fixtures__', import.meta.url));
  const from = path.join(folder, 't5-from');
  await cp(path.join(fixtures, 't5/flan'), from, { recursive: true });
  for (const file of ['tokenizer.json', 'tokenizer_config.json']) {
    await cp(path.join(fixtures, 'decoders', file), path.join(from, file));
  }
  const model = await loadSequenceToSequenceModel(from);
  const source = await openModel(from);
  await saveOnnx(source, model, undefined, path.join(folder, 't5'));
  await source.weights.close();
  model.dispose();
  const golden = JSON.parse(await readFile(path.join(from, 'golden.json'), 'utf8')) as Record<string, number[][]>;
  return golden['texts']!.map((text, i) => ({ text, expected: golden['greedy']![i]! }));
}

/** A sentence encoder as ONNX; the vectors that it makes here, of length 1. */
async function writeEncoder(name: string): Promise<number[][]> {
  const model = await loadSentenceEncoder(name, { pooling: 'mean', normalised: true });
  const source = await openModel(name);
  await saveOnnx(source, model, undefined, path.join(folder, 'encoder'), { maxInlineBytes: 0 });
  await source.weights.close();
  const vectors: number[][] = [];
  for (const ids of model.tokenizer.encode(sentences)) {
    const embedded = tf.tidy(() => model.embed({ ids: tf.tensor2d([ids], undefined, 'int32') }));
    vectors.push([...(await embedded.data())]);
    embedded.dispose();
  }
  model.dispose();
  return vectors;
}
