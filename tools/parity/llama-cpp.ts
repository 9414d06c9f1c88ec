/**
 * Has llama.cpp read what is written for it, and compares the tokens that it generates with ours: a merged model in F32, F16 and
 * Q8_0, and the base with the adapter beside it. The adapter is a random LoRA, so that base and adapted model differ.
 *
 *   npm install --prefix /some/folder node-llama-cpp
 *   npx tsx --conditions=@loran/source tools/parity/llama-cpp.ts MODEL --llama /some/folder [--tokens 16] [--types F32,F16]
 *
 * MODEL is a Hugging Face folder or a GGUF file; node-llama-cpp brings llama.cpp as a binary. Prints how many of the tokens are
 * equal; exits with 1 when F32, or the base in F32 with the adapter, gives others.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { adapterParameters, AdapterSet } from '@loran/adapter';
import { onnxruntime } from '@loran/engine-onnxruntime';
import { lora } from '@loran/lora';
import {
  generate,
  type GgufModelType,
  type LanguageModel,
  loadLanguageModel,
  openModel,
  saveGguf,
  saveGgufAdapter,
} from '@loran/models';
import { closeEngine, openEngine, randomStream } from '@loran/tensor';
import { type Llama, openLlama } from '../llama-cpp/open-llama.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    llama: { type: 'string', default: '.' },
    tokens: { type: 'string', default: '16' },
    types: { type: 'string', default: 'F32,F16,Q8_0' },
  },
});
const [from] = positionals;
if (from === undefined) throw new Error('Give the model: a Hugging Face folder or a GGUF file.');
const maxNewTokens = Number(values.tokens);
const prompt = 'The capital of France is Paris. The capital of Italy is';
const folder = await mkdtemp(path.join(tmpdir(), 'loran-llama-'));
const file = (name: string) => path.join(folder, `${name}.gguf`);

try {
  await openEngine(onnxruntime, { device: 'cpu' });
  const model = await loadLanguageModel(from);
  const [prefix = []] = model.tokenizer.encode([prompt]);
  const [words = []] = model.tokenizer.encode([prompt], { addSpecialTokens: false });
  const adapters = new AdapterSet(model);
  const adapter = await adapters.add({ method: lora, config: { rank: 4, alpha: 8 }, targetModules: 'all-linear' });
  for (const [key, parameter] of adapterParameters(adapter)) {
    parameter.assign(randomStream(3).derive(key).normal(parameter.shape, 0, 0.03));
  }
  const ours = await tokensOf(model, prefix);
  adapters.activate();
  const plain = await tokensOf(model, prefix);
  console.log(JSON.stringify({ prefix: prefix.length, ours, plain, text: model.tokenizer.decode(ours) }));

  const source = await openModel(from);
  await saveGguf(source, model, undefined, file('base'), { dtype: 'F32' });
  await saveGgufAdapter(source, model, adapter, file('adapter'));
  adapters.activate('default');
  const types = values.types.split(',') as GgufModelType[];
  for (const dtype of types) await saveGguf(source, model, adapters, file(dtype), { dtype });
  await source.weights.close();
  model.dispose();
  await closeEngine();

  const llama = await openLlama(values.llama, 2);
  const compare = async (what: string, expected: readonly number[], name: string, lora?: string, exact = true) => {
    const { ids, prompt: tokenised } = await llamaTokens(llama, file(name), lora);
    const equal = ids.findIndex((id, i) => id !== expected[i]);
    const same = equal < 0 && ids.length === expected.length;
    const samePrompt = String(tokenised) === String(words); // llama.cpp's is asked for no begin token
    console.log(JSON.stringify({ what, same, equalTokens: same ? ids.length : equal, samePrompt, ids }));
    if (exact && !(same && samePrompt)) process.exitCode = 1;
  };
  await compare('base F32', plain, 'base');
  await compare('base F32 with the adapter', ours, 'base', file('adapter'));
  for (const dtype of types) await compare(`merged ${dtype}`, ours, dtype, undefined, dtype === 'F32');
  await llama.dispose();

  async function llamaTokens(llama: Llama, modelPath: string, lora?: string) {
    const loaded = await llama.loadModel({ modelPath, gpuLayers: 0 });
    const context = await loaded.createContext({
      contextSize: 256,
      threads: 2,
      ...(lora === undefined ? {} : { lora }),
    });
    const ids: number[] = [];
    for await (const id of context.getSequence().evaluate([...prefix], { temperature: 0 })) {
      ids.push(id);
      if (ids.length === ours.length) break;
    }
    const tokenised = loaded.tokenize(prompt);
    await loaded.dispose();
    return { ids, prompt: tokenised };
  }
} finally {
  await rm(folder, { recursive: true });
}

async function tokensOf(model: LanguageModel, prefix: readonly number[]): Promise<number[]> {
  const ids: number[] = [];
  for await (const { id } of generate(model, [prefix], { maxNewTokens, endIds: [] })) ids.push(id);
  return ids;
}
