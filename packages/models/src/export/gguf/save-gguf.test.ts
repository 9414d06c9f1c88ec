import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AdapterSet } from '@loran/adapter';
import { openGguf } from '@loran/formats';
import '@tensorflow/tfjs-backend-cpu';
import { closeEngine, openEngine, portableEngine } from '@loran/tensor';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withDecoderFolder } from '../../__fixtures__/decoders.js';
import {
  exampleIds,
  fromSource,
  relativeDifference,
  scoresOf,
  withOutput,
  withRandomAdapter,
} from '../../__fixtures__/merged.js';
import type { LanguageModel } from '../../language-model.js';
import { loadLanguageModel, loadSequenceClassifier } from '../../open-model.js';
import { openModel } from '../../source/open-source.js';
import { saveGguf, type SaveGgufOptions } from './save-gguf.js';

beforeAll(() => openEngine(portableEngine('cpu')));
afterAll(closeEngine);

const save = (folder: string, model: LanguageModel, adapters: AdapterSet, out: string, options?: SaveGgufOptions) =>
  fromSource(folder, (source) => saveGguf(source, model, adapters, out, options));

function edit(file: string, change: Record<string, unknown>): void {
  writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as object), ...change }));
}

/** A tiny decoder with a random adapter, written and loaded again; `length`: tokens of the text that is compared. */
function roundTrip(
  name: string,
  options: SaveGgufOptions & { change?: Record<string, unknown>; length?: number },
  check: (difference: number, file: string, warnings: readonly string[]) => void | Promise<void>,
) {
  const { change = {}, length = 11, ...given } = options;
  return withDecoderFolder(name, (folder) =>
    withOutput(async (_, parent) => {
      edit(join(folder, 'config.json'), change);
      const model = await loadLanguageModel(folder);
      const adapters = await withRandomAdapter(model);
      const file = join(parent, 'model.gguf');
      const { warnings } = await save(folder, model, adapters, file, { withoutTokenizer: true, ...given });
      cpSync(join(folder, 'tokenizer.json'), join(parent, 'tokenizer.json'));
      const ids = exampleIds.map((row) => row.slice(0, length));
      const written = await loadLanguageModel(parent);
      await check(await relativeDifference(scoresOf(written, ids), scoresOf(model, ids)), file, warnings);
      written.dispose();
      model.dispose();
    }),
  );
}

/** Stretched so little that the divisors tell all its numbers. */
const llama3Rope = {
  rope_type: 'llama3',
  rope_theta: 10000,
  factor: 8,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 64,
};

describe('in F32 the file computes what model and adapter do', () => {
  test.each([
    ['llama', {}],
    ['llama3', { change: { rope_parameters: llama3Rope } }],
    ['llama-linear', {}],
    ['llama-yarn', {}],
    ['llama-dynamic', { length: 8 }],
    ['mistral', { length: 4 }],
    ['qwen2', { length: 3 }],
    ['qwen3', {}],
    ['gemma2', { change: { query_pre_attn_scalar: 8 } }],
    ['gemma3', { change: { query_pre_attn_scalar: 8 } }],
    ['gpt2', {}],
    ['falcon', {}],
    ['falcon-new', { change: { bias: false } }],
    ['falcon-new-one-norm', {}],
  ])('%s', (name, options) =>
    roundTrip(name, { ...options, dtype: 'F32' }, (difference, _, warnings) => {
      expect(difference).toBeLessThan(1e-5);
      // what llama.cpp would compute otherwise in longer texts
      expect(warnings.length).toBe(['llama-dynamic', 'mistral', 'qwen2', 'gemma3'].includes(name) ? 1 : 0);
    }),
  );
});

test.each([
  ['F16', 0.01],
  ['Q8_0', 0.1],
  ['Q4_0', 1.2],
] as const)('%s: matrices are narrowed, vectors are not', (dtype, tolerance) =>
  roundTrip('llama', { dtype }, async (difference, path, warnings) => {
    expect(difference).toBeLessThan(tolerance);
    const file = await openGguf(path);
    const types = [...file.tensors].map(([name, tensor]) => [name, tensor.dtype] as const);
    await file.close();
    const typeOf = new Map(types);
    expect(types.filter(([name]) => name.includes('norm')).map(([, type]) => type)).toEqual(Array(7).fill('F32'));
    expect(typeOf.get('blk.0.attn_q.weight')).toBe(dtype);
    expect(typeOf.get('output.weight')).toBe(dtype === 'Q4_0' ? 'Q8_0' : dtype);
    expect(typeOf.get('blk.0.ffn_down.weight')).toBe('F16'); // rows of 48 values
    expect(warnings.join()).toMatch(new RegExp(`rounded to ${dtype}: by [\\d.]+ % of their size`));
    if (dtype !== 'F16') expect(warnings.join()).toMatch(/3 tensors have rows/);
  }),
);

test('what llama.cpp computes otherwise is refused by name, and the old file stays', () =>
  withOutput(async (_, parent) => {
    const file = join(parent, 'model.gguf');
    writeFileSync(file, 'old');
    const attempt = (name: string, change: Record<string, unknown> = {}) =>
      withDecoderFolder(name, async (folder) => {
        edit(join(folder, 'config.json'), change);
        const model = await loadLanguageModel(folder);
        return save(folder, model, new AdapterSet(model), file, { withoutTokenizer: true });
      });
    await expect(attempt('gemma2')).rejects.toThrow(/query_pre_attn_scalar is 12/);
    await expect(attempt('gpt2-scaled')).rejects.toThrow(/activation is "relu"/);
    await expect(attempt('llama', { hidden_act: 'relu' })).rejects.toThrow(/activation is "relu"/);
    await expect(attempt('falcon-new')).rejects.toThrow(/biases/);
    await expect(attempt('falcon-alibi')).rejects.toThrow(/ALiBi|biases/);
    await withDecoderFolder('llama', async (folder) => {
      const model = await loadLanguageModel(folder);
      await expect(save(folder, model, new AdapterSet(model), file)).rejects.toThrow(/neither byte-level BPE nor/);
      const classifier = await loadSequenceClassifier(folder, { labels: ['a', 'b'] });
      const source = await openModel(folder);
      await expect(saveGguf(source, classifier, undefined, file)).rejects.toThrow(/no place for the module 'score'/);
      const other = { family: 'mine', checkpoint: model.checkpoint, modules: () => model.modules() };
      await expect(saveGguf(source, other, undefined, file)).rejects.toThrow(
        /mine model; GGUF is written of llama, mistral/,
      );
      await source.weights.close();
    });
    expect(readFileSync(file, 'utf8')).toBe('old');
    expect(existsSync(join(parent, 'Modelfile'))).toBe(false);
  }));

describe('of a GGUF file', () => {
  const fixtures = fileURLToPath(new URL('../../__fixtures__/gguf', import.meta.url));

  test.each(['llama', 'llama3', 'llama-linear', 'qwen2-yarn', 'qwen3', 'gemma2', 'gemma3', 'gpt2', 'falcon'])(
    '%s: tensors, sizes and tokenizer come back as they were',
    (name) =>
      withOutput(async (_, parent) => {
        const from = join(fixtures, `${name}.gguf`);
        const to = join(parent, 'model.gguf');
        const model = await loadLanguageModel(from);
        expect((await save(from, model, new AdapterSet(model), to, { dtype: 'F32' })).files).toEqual([
          'model.gguf',
          'Modelfile',
        ]);
        const [before, after] = [await openGguf(from), await openGguf(to)];
        expect([...after.tensors.keys()].sort()).toEqual([...before.tensors.keys()].sort());
        for (const key of before.tensors.keys()) {
          const [a, b] = [await before.read(key), await after.read(key)];
          expect(b.shape, key).toEqual(a.shape);
          if (key === 'rope_freqs.weight') continue; // computed anew
          const [x, y] = [a, b].map(({ data }) => new Float32Array(data.slice().buffer));
          expect(Math.max(...x!.map((value, i) => Math.abs(value - y![i]!))), key).toBeLessThan(2e-7);
        }
        for (const [key, value] of before.fields) {
          if (key === 'tokenizer.ggml.pre' || key === 'general.alignment') continue; // names of the same thing
          expect(after.fields.get(key), key).toEqual(value);
        }
        expect(after.fields.get('tokenizer.ggml.pre')?.value).toBe('gpt-2');
        expect(readFileSync(join(parent, 'Modelfile'), 'utf8')).toBe(
          '# Written by loran. Use: ollama create NAME -f Modelfile\nFROM ./model.gguf\nPARAMETER stop "</s>"\n',
        );
        await Promise.all([before.close(), after.close()]);
      }),
  );
});
