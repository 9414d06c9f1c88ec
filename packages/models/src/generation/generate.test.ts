import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { closeEngine, openEngine, portableEngine } from '@loran/tensor';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { goldenDecoder, withDecoderFolder } from '../__fixtures__/decoders.js';
import type { LanguageModel } from '../language-model.js';
import { loadLanguageModel } from '../open-model.js';
import { generate, generateTexts } from './generate.js';

const golden = goldenDecoder('llama');
let model: LanguageModel;

beforeAll(async () => {
  await openEngine(portableEngine('cpu'));
  model = await withDecoderFolder('llama', (folder) => loadLanguageModel(folder));
});
afterAll(async () => {
  model.dispose();
  await closeEngine();
});

const maxNewTokens = 12;

describe('greedy', () => {
  test('texts of different lengths together are continued as transformers does, and nothing is left behind', async () => {
    const before = tf.memory().numTensors;
    const texts = await generateTexts(model, golden.texts, { maxNewTokens, endIds: [] });
    expect(texts.map(({ tokens }) => tokens)).toEqual(golden.greedy);
    expect(texts.map(({ finished }) => finished)).toEqual(['length', 'length', 'length']);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('each text alone gives what it gives beside others', async () => {
    for (const [i, prompt] of golden.texts.entries()) {
      const [alone] = await generateTexts(model, [prompt], { maxNewTokens, endIds: [] });
      expect(alone!.tokens).toEqual(golden.greedy[i]);
    }
  });

  test('an end token ends its own text only, and is no text', async () => {
    const end = golden.greedy[1]![3]!;
    const texts = await generateTexts(model, golden.texts, { maxNewTokens, endIds: [end] });
    texts.forEach(({ tokens, finished }, i) => {
      const place = golden.greedy[i]!.indexOf(end);
      expect(tokens).toEqual(place < 0 ? golden.greedy[i] : golden.greedy[i]!.slice(0, place + 1));
      expect(finished).toBe(place < 0 ? 'length' : 'end');
    });
    expect(texts[1]!.text).toBe(model.tokenizer.decode(texts[1]!.tokens.slice(0, -1)));
  });

  test('a stop text ends a text before itself, though it comes in several tokens', async () => {
    const whole = model.tokenizer.decode(golden.greedy[0]!);
    const stop = whole.slice(4, 6);
    const [text] = await generateTexts(model, [golden.texts[0]!], { maxNewTokens, endIds: [], stop: [stop] });
    expect(text).toMatchObject({ text: whole.slice(0, whole.indexOf(stop)), finished: 'stop' });
  });

  test('tokens stream one step of all texts after another', async () => {
    const seen: number[] = [];
    for await (const { index } of generate(model, golden.texts, { maxNewTokens: 3, endIds: [] })) seen.push(index);
    expect(seen).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2]);
  });

  test('a generation may be left early, or stopped from outside, and frees its tensors', async () => {
    const before = tf.memory().numTensors;
    for await (const token of generate(model, golden.texts, { maxNewTokens })) {
      expect(token.index).toBe(0);
      break;
    }
    const stopped = generateTexts(
      model,
      golden.texts,
      { maxNewTokens },
      { signal: AbortSignal.abort(new Error('enough')) },
    );
    await expect(stopped).rejects.toThrow('enough');
    expect(tf.memory().numTensors).toBe(before);
  });

  test('a cache that fills up grows, without a change in what follows', async () => {
    const long = Array.from({ length: 47 }, (_, i) => 3 + (i % 90)); // 48 columns, room for 64
    const [together] = await generateTexts(model, [long], { maxNewTokens: 16, endIds: [] });
    const [first] = await generateTexts(model, [long], { maxNewTokens: 8, endIds: [] });
    const [second] = await generateTexts(model, [[...long, ...first!.tokens]], { maxNewTokens: 8, endIds: [] });
    expect(together!.tokens).toEqual([...first!.tokens, ...second!.tokens]);
  });
});

describe('sampling', () => {
  test('follows from the seed and the place of the text, not from what stands beside it', async () => {
    const options = { maxNewTokens, endIds: [], temperature: 1.5, seed: 7 };
    const once = await generateTexts(model, golden.texts, options);
    expect(await generateTexts(model, golden.texts, options)).toEqual(once);
    const [alone] = await generateTexts(model, golden.texts.slice(0, 1), options);
    expect(alone).toEqual(once[0]);
    expect(await generateTexts(model, golden.texts, { ...options, seed: 8 })).not.toEqual(once);
  });
});

test('what cannot be done is said before anything is computed', async () => {
  await expect(generateTexts(model, [[1], []])).rejects.toThrow(/Prompt 1 has no tokens/);
  await expect(generateTexts(model, [[1]], { maxNewTokens: 64 })).rejects.toThrow(
    /1 tokens and 64 may follow.*64 positions/,
  );
  await expect(generateTexts(model, [[1]], { topP: 0 })).rejects.toThrow(/'topP'/);
  await expect(generateTexts(model, [[1]], { temprature: 1 } as object)).rejects.toThrow(
    /'temprature' is unknown; did you mean temperature/,
  );
  expect(await generateTexts(model, [])).toEqual([]);
});
