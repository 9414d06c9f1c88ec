/** What is written as ONNX computes in ONNX Runtime what transformers and the model itself do. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import '@tensorflow/tfjs-backend-cpu';
import { closeEngine, openEngine, portableEngine } from '@loran/tensor';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  decoderNames,
  goldenDecoder,
  padded,
  tokenRows,
  withDecoderFolder,
  withTokenizer,
} from '../../__fixtures__/decoders.js';
import { difference, goldenBatch, tinyBert } from '../../__fixtures__/golden.js';
import {
  exampleIds,
  fromSource,
  relativeDifference,
  scoresOf,
  withOutput,
  withRandomAdapter,
} from '../../__fixtures__/merged.js';
import { int64, OnnxModel, readOnnxAdapter } from '../../__fixtures__/onnx.js';
import { loadLanguageModel, loadSentenceEncoder, loadSequenceClassifier } from '../../open-model.js';
import type { StoredModel } from '../merged-weights.js';
import { saveOnnx, type SaveOnnxOptions } from './save-onnx.js';
import { saveOnnxAdapter } from './save-onnx-adapter.js';

beforeAll(() => openEngine(portableEngine('cpu')));
afterAll(closeEngine);

type Model = StoredModel & { readonly family: string; dispose(): void };

/** The model of a folder written as ONNX and opened again. */
async function written<M extends Model, T>(
  folder: string,
  load: (folder: string) => Promise<M>,
  use: (onnx: OnnxModel, model: M, out: string) => Promise<T>,
  options: SaveOnnxOptions & { readonly file?: string } = {},
): Promise<T> {
  const { file = 'model.onnx', ...rest } = options;
  return withOutput(async (out) => {
    const model = await load(folder);
    await fromSource(folder, (source) => saveOnnx(source, model, undefined, out, rest));
    const onnx = await OnnxModel.open(join(out, 'onnx', file));
    try {
      return await use(onnx, model, out);
    } finally {
      await onnx.close();
      model.dispose();
    }
  });
}

const plain = (ids: number[][]) => ({
  input_ids: int64(ids),
  attention_mask: int64(ids.map((row) => row.map(() => 1))),
});

const tensorOf = ({ data, dims }: Tensor): tf.Tensor => tf.tensor(data as Float32Array, [...dims]);

/** Heads and width of what a decoder keeps of a token. */
function keysOf(model: Awaited<ReturnType<typeof loadLanguageModel>>): [number, number] {
  const { shape } = model.newCache(1, 1);
  return [shape.heads, shape.keyWidth];
}

const scale = (rows: number[][]) => Math.max(1, ...rows.flat().map(Math.abs));

describe.each(decoderNames)('%s', (name) => {
  const golden = goldenDecoder(name);

  test('padded on either side, and token by token, it is what transformers computes', async () => {
    await withDecoderFolder(name, (folder) =>
      written(folder, loadLanguageModel, async (onnx, model) => {
        const keys = keysOf(model);
        for (const side of ['right', 'left'] as const) {
          const ids = padded(golden.texts, side, 0);
          const mask = padded(
            golden.texts.map((text) => text.map(() => 1)),
            side,
            0,
          );
          const outputs = await onnx.run({ input_ids: int64(ids), attention_mask: int64(mask) }, keys);
          const scores = tensorOf(outputs['logits']!);
          const flat = tf.reshape(scores, [-1, scores.shape.at(-1)!]) as Tensor2D;
          const { logits } = golden[side];
          expect(await difference(tokenRows(flat, golden.texts, side), logits), side).toBeLessThan(
            1e-5 * scale(logits),
          );
        }
        expect(await onnx.greedy(golden.texts, golden.greedy[0]!.length, keys)).toEqual(golden.greedy);
      }),
    );
  });
});

test.each(['llama', 'gpt2', 'gemma2', 'falcon-new'])('%s: active adapters are merged in', (name) =>
  withDecoderFolder(name, (folder) =>
    withOutput(async (out) => {
      const model = await loadLanguageModel(folder);
      const before = scoresOf(model);
      const adapters = await withRandomAdapter(model);
      await fromSource(folder, (source) => saveOnnx(source, model, adapters, out));
      const onnx = await OnnxModel.open(join(out, 'onnx', 'model.onnx'));
      const logits = tensorOf((await onnx.run(plain(exampleIds), keysOf(model)))['logits']!);
      expect(await relativeDifference(logits, scoresOf(model))).toBeLessThan(1e-5);
      expect(await relativeDifference(logits, before)).toBeGreaterThan(1e-2);
      await onnx.close();
    }),
  ),
);

describe('inputs for adapters', () => {
  test.each(['llama', 'gpt2', 'falcon'])('%s: those of a file make the adapter, empty ones none', (name) =>
    withDecoderFolder(name, (folder) =>
      written(
        folder,
        loadLanguageModel,
        async (onnx, model, out) => {
          const base = scoresOf(model);
          const adapters = await withRandomAdapter(model, 'all-linear', { rank: 3, alpha: 5, rsLora: true });
          const file = join(out, 'adapter.onnx_adapter');
          await saveOnnxAdapter(model, adapters.get('default'), file);
          const tensors = readOnnxAdapter(file);
          const logits = async (adapter: ReadonlyMap<string, Tensor>) => {
            const inputs = { ...plain(exampleIds), ...Object.fromEntries(adapter) };
            return tensorOf((await onnx.run(inputs, keysOf(model)))['logits']!);
          };
          expect(await relativeDifference(await logits(tensors), scoresOf(model))).toBeLessThan(1e-5);
          const empty = [...tensors].map(([input, { dims }]): [string, Tensor] => [
            input,
            new Tensor('float32', [], input.endsWith('lora_A.weight') ? [dims[0]!, 0] : [0, dims[1]!]),
          ]);
          expect(await relativeDifference(await logits(new Map(empty)), base)).toBeLessThan(1e-5);
          expect(await relativeDifference(base, scoresOf(model))).toBeGreaterThan(1e-2);
        },
        { adapterInputs: 'all-linear', adapterInputsRequired: true },
      ),
    ),
  );

  test('they may be left out', () =>
    withDecoderFolder('llama', (folder) =>
      written(
        folder,
        loadLanguageModel,
        async (onnx, model) => {
          const { logits } = await onnx.run(plain(exampleIds), keysOf(model));
          expect(await relativeDifference(tensorOf(logits!), scoresOf(model))).toBeLessThan(1e-5);
        },
        { adapterInputs: ['q_proj', 'down_proj'] },
      ),
    ));

  test('adapters that such a file cannot hold are refused', () =>
    withDecoderFolder('llama', (folder) =>
      withOutput(async (out, parent) => {
        const model = await loadLanguageModel(folder);
        const adapters = await withRandomAdapter(model, ['embed_tokens']);
        const file = join(parent, 'adapter.onnx_adapter');
        await expect(saveOnnxAdapter(model, adapters.get('default'), file)).rejects.toMatchObject({
          code: 'NOT_EXPORTABLE',
          message: expect.stringContaining('model.embed_tokens') as string,
        });
        expect(readdirSync(parent)).toEqual([]);
        await expect(
          fromSource(folder, (source) => saveOnnx(source, model, undefined, out, { adapterInputs: ['nowhere'] })),
        ).rejects.toMatchObject({ code: 'TARGET_MODULES_NOT_FOUND' });
        expect(existsSync(out)).toBe(false);
      }),
    ));
});

/** The tiny BERT has a tokenizer of its own. */
const inFolder = <T>(source: string, use: (folder: string) => Promise<T>): Promise<T> =>
  source === tinyBert ? use(source) : withTokenizer(source, use);

const encoder = (name: string) => fileURLToPath(new URL(`../../__fixtures__/encoders/${name}`, import.meta.url));

describe.each([
  ['bert', tinyBert],
  ['roberta', encoder('roberta')],
  ['distilbert', encoder('distilbert')],
])('%s', (name, source) => {
  const batch = goldenBatch();
  const rows = async (x: Tensor2D) => (await x.array()) as number[][];
  const inputs = async () => ({
    input_ids: int64(await rows(batch.ids)),
    attention_mask: int64(await rows(batch.mask)),
    ...(name === 'bert' ? { token_type_ids: int64(await rows(batch.tokenTypes)) } : {}),
  });
  const own = name === 'bert' ? batch : { ids: batch.ids, mask: batch.mask };

  test.each([
    ['mean', false],
    ['cls', true],
  ] as const)('sentences by %s, normalised: %s', (pooling, normalised) =>
    inFolder(source, (folder) =>
      written(
        folder,
        (from) => loadSentenceEncoder(from, { pooling, normalised }),
        async (onnx, model) => {
          const outputs = await onnx.run(await inputs());
          expect(await relativeDifference(tensorOf(outputs['sentence_embedding']!), model.embed(own))).toBeLessThan(
            1e-5,
          );
          const states = tf.mul(tensorOf(outputs['last_hidden_state']!), tf.expandDims(batch.mask, 2));
          const expected = tf.mul(model.hiddenStates(own).at(-1)!, tf.expandDims(batch.mask, 2));
          expect(await relativeDifference(states, expected)).toBeLessThan(1e-5);
        },
      ),
    ),
  );

  test.each(['cls', 'mean'] as const)('a classifier by %s', (head) =>
    inFolder(source, (folder) =>
      written(
        folder,
        (from) => loadSequenceClassifier(from, { head, labels: ['ham', 'spam', 'neither'], freshClassifier: true }),
        async (onnx, model, out) => {
          const { logits } = await onnx.run(await inputs());
          expect(await relativeDifference(tensorOf(logits!), model.logits(own))).toBeLessThan(1e-5);
          const config = JSON.parse(readFileSync(join(out, 'config.json'), 'utf8')) as Record<string, unknown>;
          expect(config['id2label']).toEqual({ 0: 'ham', 1: 'spam', 2: 'neither' });
        },
      ),
    ),
  );
});

test.each(['right', 'left'] as const)('a classifier on a causal model reads the last token, padded on the %s', (side) =>
  withDecoderFolder('qwen2', (folder) =>
    written(
      folder,
      (from) => loadSequenceClassifier(from, { labels: ['no', 'yes'], freshClassifier: true }),
      async (onnx, model) => {
        const { texts } = goldenDecoder('qwen2');
        const ids = padded(texts, side, 0);
        const mask = padded(
          texts.map((text) => text.map(() => 1)),
          side,
          0,
        );
        const { logits } = await onnx.run({ input_ids: int64(ids), attention_mask: int64(mask) });
        const own = { ids: tf.tensor2d(ids, undefined, 'int32'), mask: tf.tensor2d(mask, undefined, 'int32') };
        expect(await relativeDifference(tensorOf(logits!), model.logits(own))).toBeLessThan(1e-5);
      },
    ),
  ),
);

describe('files', () => {
  const logitsOf = async (onnx: OnnxModel, model: Awaited<ReturnType<typeof loadLanguageModel>>) =>
    tensorOf((await onnx.run(plain(exampleIds), keysOf(model)))['logits']!);

  test('many weights stand in a file of their own', () =>
    withDecoderFolder('llama', (folder) =>
      written(
        folder,
        loadLanguageModel,
        async (onnx, model, out) => {
          expect(readdirSync(join(out, 'onnx')).sort()).toEqual(['model.onnx', 'model.onnx_data']);
          const config = JSON.parse(readFileSync(join(out, 'config.json'), 'utf8')) as Record<string, unknown>;
          expect(config['transformers.js_config']).toEqual({ use_external_data_format: true });
          expect(await relativeDifference(await logitsOf(onnx, model), scoresOf(model))).toBeLessThan(1e-5);
        },
        { maxInlineBytes: 0 },
      ),
    ));

  test.each(['llama', 'gpt2', 'gemma2'])('%s in F16 is half as large and rounds the weights', (name) =>
    withDecoderFolder(name, (folder) =>
      written(
        folder,
        loadLanguageModel,
        async (onnx, model) => {
          const apart = await relativeDifference(await logitsOf(onnx, model), scoresOf(model));
          expect(apart).toBeLessThan(1e-2);
          expect(apart).toBeGreaterThan(1e-6);
        },
        { dtype: 'F16', file: 'model_fp16.onnx' },
      ),
    ),
  );

  test('says how far it is', () =>
    withDecoderFolder('llama', async (folder) => {
      const reports: (readonly [number, number])[] = [];
      const onProgress = (...report: [number, number]) => void reports.push(report);
      await written(folder, loadLanguageModel, () => Promise.resolve(), { onProgress });
      const [written0, total] = reports[0]!;
      expect(written0).toBe(0);
      expect(reports.filter(([done]) => done === total)).toEqual([[total, total]]);
      expect(reports.at(-1)).toEqual([total, total]);
    }));

  test('the tokenizer and the configuration stand beside it', () =>
    withDecoderFolder('llama3', (folder) =>
      written(folder, loadLanguageModel, async (_, model, out) => {
        expect(readdirSync(out)).toEqual(
          expect.arrayContaining(['config.json', 'generation_config.json', 'onnx', 'tokenizer.json']),
        );
        expect(model.family).toBe('llama');
        const config = JSON.parse(readFileSync(join(out, 'config.json'), 'utf8')) as Record<string, unknown>;
        expect(config['model_type']).toBe('llama');
      }),
    ));
});

describe('refused, with nothing written', () => {
  test('a kind of model that says no graph', () =>
    withDecoderFolder('llama', (folder) =>
      withOutput(async (out) => {
        const model = await loadLanguageModel(folder);
        const silent = { family: 'mine', checkpoint: model.checkpoint, modules: () => model.modules() };
        await expect(fromSource(folder, (source) => saveOnnx(source, silent, undefined, out))).rejects.toMatchObject({
          code: 'NOT_EXPORTABLE',
          message: expect.stringContaining("family 'mine'") as string,
        });
        expect(existsSync(out)).toBe(false);
      }),
    ));

  test('the folder of the model itself', () =>
    withDecoderFolder('llama', async (folder) => {
      const model = await loadLanguageModel(folder);
      const over = fromSource(folder, (source) => saveOnnx(source, model, undefined, folder, { overwrite: true }));
      await expect(over).rejects.toMatchObject({ code: 'NOT_EXPORTABLE' });
      expect(existsSync(join(folder, 'model.safetensors'))).toBe(true);
    }));

  test('values that are no numbers', () =>
    withDecoderFolder('llama', (folder) =>
      withOutput(async (out) => {
        const model = await loadLanguageModel(folder);
        const adapters = await withRandomAdapter(model, ['v_proj']);
        const { B } = [...adapters.get('default').layers.values()][0]!.factored!();
        (B as tf.Variable).assign(tf.fill(B.shape, NaN) as tf.Variable);
        await expect(fromSource(folder, (source) => saveOnnx(source, model, adapters, out))).rejects.toMatchObject({
          code: 'NON_FINITE',
        });
        expect(existsSync(out)).toBe(false);
      }),
    ));
});
