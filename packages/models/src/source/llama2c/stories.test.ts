import * as tf from '@tensorflow/tfjs-core';
import { onnxruntime } from '@loran/engine-onnxruntime';
import { testData } from '@loran/testing';
import { closeEngine, openEngine } from '@loran/tensor';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { continuation } from '../../__fixtures__/continuation.js';
import { loadLanguageModel } from '../../open-model.js';

const folder = testData('models', 'stories260K');

// what run.c of llama2.c prints for this checkpoint at temperature 0
const story =
  'Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day, she saw a big, red ball.';

describe.skipIf(folder === undefined)('stories260K of llama2.c (needs LORAN_TEST_DATA/models/stories260K)', () => {
  beforeAll(() => openEngine(onnxruntime, { device: 'cpu' }));
  afterAll(closeEngine);

  test('tells the story that llama2.c tells, and encodes it as it was told', async () => {
    const before = tf.memory().numTensors;
    const model = await loadLanguageModel(folder!);
    const { tokenizer } = model;
    expect(tokenizer.encode([''])).toEqual([[1]]);
    const ids = await continuation(model, [1], 64);
    const text = tokenizer.decode(ids);
    expect(text.slice(0, story.length)).toBe(story);
    const [again = []] = tokenizer.encode([story]);
    expect(again).toEqual([1, ...ids.slice(0, again.length - 1)]);
    const stream = tokenizer.textStream();
    expect(ids.map((id) => stream.push([id])).join('') + stream.end()).toBe(text);
    expect(model.warnings).toEqual([]);
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  }, 60_000);
});
