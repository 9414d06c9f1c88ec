import * as tf from '@tensorflow/tfjs-core';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AdapterSet, loadAdapter } from '@loran/adapter';
import { onnxruntime } from '@loran/engine-onnxruntime';
import { fromFloat32, openSafetensors, type TensorBytes, writeSafetensors } from '@loran/formats';
import { lora } from '@loran/lora';
import { closeEngine, openEngine } from '@loran/tensor';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  decoderNames,
  decoderPath,
  goldenDecoder,
  paddedBatch,
  tokenRows,
  withDecoderFolder,
} from '../__fixtures__/decoders.js';
import { difference } from '../__fixtures__/golden.js';
import { loadSequenceClassifier } from '../open-model.js';
import type { SequenceClassifier, SequenceClassifierOptions } from '../sequence-classifier.js';

interface GoldenClassifier {
  readonly score: number[][];
  readonly labels: number[];
  readonly right: { readonly logits: number[][]; readonly loss: number };
  readonly left: { readonly logits: number[][]; readonly loss: number };
  /** Of the first three tokens, after the embeddings and each layer. */
  readonly firstHidden: number[][][];
  readonly adapted?: number[][];
}

const goldenClassifier = (name: string): GoldenClassifier =>
  JSON.parse(readFileSync(join(decoderPath(name), 'classifier.json'), 'utf8')) as GoldenClassifier;

/** The tiny decoder with the score weights of classifier.json beside its own. */
function withClassifier<T>(
  name: string,
  use: (model: SequenceClassifier) => Promise<T>,
  options?: SequenceClassifierOptions,
) {
  return withDecoderFolder(name, async (folder) => {
    const { score } = goldenClassifier(name);
    const file = await openSafetensors(join(folder, 'model.safetensors'));
    const tensors = new Map<string, TensorBytes>();
    for (const key of file.tensors.keys()) tensors.set(key, await file.read(key));
    await file.close();
    const shape = [score.length, score[0]!.length];
    tensors.set('score.weight', { dtype: 'F32', shape, data: fromFloat32(Float32Array.from(score.flat()), 'F32') });
    await writeSafetensors(join(folder, 'model.safetensors'), tensors, { format: 'pt' });
    const model = await loadSequenceClassifier(folder, options);
    try {
      return await use(model);
    } finally {
      model.dispose();
    }
  });
}

const loss = (logits: tf.Tensor2D, labels: readonly number[]): tf.Tensor =>
  tf.losses.softmaxCrossEntropy(tf.oneHot(tf.tensor1d([...labels], 'int32'), 3), logits);

beforeAll(() => openEngine(onnxruntime, { device: 'cpu' }));
afterAll(closeEngine);

describe.each(decoderNames)('%s', (name) => {
  test('padded on either side, logits, loss and hidden states are those of transformers', async () => {
    await withClassifier(name, async (model) => {
      const golden = goldenClassifier(name);
      const { texts } = goldenDecoder(name);
      for (const side of ['right', 'left'] as const) {
        const batch = paddedBatch(texts, side);
        const logits = model.logits(batch);
        expect(await difference(logits, golden[side].logits)).toBeLessThan(1e-4);
        expect(await difference(loss(logits, golden.labels), [golden[side].loss])).toBeLessThan(1e-5);
      }
      const states = model.hiddenStates(paddedBatch(texts, 'right'));
      expect(states.length).toBe(golden.firstHidden.length);
      for (const [i, state] of states.entries()) {
        const rows = tokenRows(tf.reshape(state, [-1, state.shape[2]]), texts, 'right');
        expect(await difference(tf.slice(rows, 0, 3), golden.firstHidden[i])).toBeLessThan(1e-4);
      }
      expect([model.labels, model.initialised, model.warnings]).toEqual([['LABEL_0', 'LABEL_1', 'LABEL_2'], [], []]);
    });
  });
});

describe('a classifier on a causal model', () => {
  test('of new labels begins with a random score, and says so', async () => {
    await withDecoderFolder('llama', async (folder) => {
      const model = await loadSequenceClassifier(folder, { labels: ['ham', 'spam'], seed: 3 });
      expect([model.initialised, model.headModules, model.outputHead]).toEqual([['score'], ['score'], ['score']]);
      expect(model.modules().get('score')!.frozen.rows).toBe(2);
      expect(model.modules().has('lm_head')).toBe(false);
      model.dispose();
      await expect(loadSequenceClassifier(folder, { labels: ['ham', 'spam'], head: 'cls' })).rejects.toThrow(
        expect.objectContaining({ code: 'UNSUPPORTED_TASK', message: expect.stringContaining("it knows 'last'") }),
      );
      const path = join(folder, 'config.json');
      const config = JSON.parse(readFileSync(path, 'utf8')) as object;
      writeFileSync(path, JSON.stringify({ ...config, id2label: { 0: 'one' } }));
      await expect(loadSequenceClassifier(folder)).rejects.toThrow(expect.objectContaining({ code: 'INVALID_LABELS' }));
    });
  });

  test('with an adapter and a score by PEFT has the logits that PEFT has', async () => {
    await withClassifier('llama', async (model) => {
      const set = new AdapterSet(model);
      await loadAdapter(set, join(decoderPath('llama'), 'classifier-adapter'), { methods: [lora] });
      const batch = paddedBatch(goldenDecoder('llama').texts, 'right');
      expect(await difference(model.logits(batch), goldenClassifier('llama').adapted)).toBeLessThan(1e-4);
      set.remove('default');
    });
  });
});
