import * as tf from '@tensorflow/tfjs-core';
import { type AdapterMethod, adapterParameters, AdapterSet } from '@loran/adapter';
import { onnxruntime } from '@loran/engine-onnxruntime';
import { evaluate, perplexity } from '@loran/evaluators';
import { lora } from '@loran/lora';
import type { LanguageModel } from '@loran/models';
import { closeEngine, openEngine } from '@loran/tensor';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tinyLlama } from '../__fixtures__/tiny-models.js';
import { train } from '../train.js';
import { encodeLanguageExamples } from './encode-language-examples.js';
import type { EncodedText } from './encoded-text.js';
import { languageModelTask } from './language-model-task.js';
import { scoreTexts } from './score-texts.js';
import { textBatches } from './text-batch.js';

let model: LanguageModel;
beforeAll(async () => {
  await openEngine(onnxruntime, { device: 'cpu' });
  model = await tinyLlama();
});
afterAll(async () => {
  model.dispose();
  await closeEngine();
});

const idsOf = (text: string) => Array.from(text, (character) => character.charCodeAt(0) - 32 + 3);
const text = (text: string) => ({ form: 'text' as const, text, line: 1 });
const completion = (prompt: string, completion: string) => ({
  form: 'completion' as const,
  prompt,
  completion,
  line: 1,
});
const marks = ({ supervised }: EncodedText) => supervised.map(Number).join('');

describe('encoding', () => {
  test('of a text all but the first token is learned, and the end is appended unless it is not wanted', async () => {
    const [one] = await encodeLanguageExamples([text('abc')], model);
    expect(one).toEqual({ ids: [...idsOf('abc'), 2], supervised: [false, true, true, true], cut: 0, line: 1 });
    const [plain] = await encodeLanguageExamples([text('abc')], model, { appendEnd: false });
    expect(plain).toMatchObject({ ids: idsOf('abc'), supervised: [false, true, true] });
  });

  test('of a prompt and its completion the completion and the end are learned', async () => {
    const [one] = await encodeLanguageExamples([completion('ab', 'cd')], model);
    expect(one!.ids).toEqual([...idsOf('abcd'), 2]);
    expect(marks(one!)).toBe('00111');
  });

  test('what is too long loses the beginning of its prompt first, then its end', async () => {
    const encode = async (example: ReturnType<typeof completion>, maxLength: number) =>
      (await encodeLanguageExamples([example], model, { maxLength }))[0]!;
    const prompt = await encode(completion('abcdef', 'xy'), 6);
    expect(prompt).toMatchObject({ ids: [...idsOf('defxy'), 2], cut: 3 });
    expect(marks(prompt)).toBe('000111');
    const both = await encode(completion('abc', 'uvwxyz'), 4);
    expect(both).toMatchObject({ ids: idsOf('uvwx'), cut: 6 });
    const [long] = await encodeLanguageExamples([text('abcdef')], model, { maxLength: 3 });
    expect(long).toMatchObject({ ids: idsOf('abc'), cut: 4 });
  });
});

describe('batches', () => {
  test('name the places whose successors are learned, filled up to few sizes', () => {
    const texts = [
      { ids: [5, 6, 7], supervised: [false, false, true], cut: 0 },
      { ids: [8, 9], supervised: [false, true], cut: 0 },
    ];
    const [batch] = textBatches(texts, 0, { batchSize: 2, seed: 0, bucketWidth: 4 });
    const { indices, shape, rows, targets, weights, supervised, owners } = batch!;
    expect(shape).toEqual([2, 4]);
    expect(supervised).toBe(2);
    expect(rows).toHaveLength(32);
    const places = [0, 1].map((i) => ({
      text: indices[owners[i]!],
      row: rows[i],
      target: targets[i],
      weight: weights[i],
    }));
    const first = indices.indexOf(0) * 4 + 1; // the place before token 7
    const second = indices.indexOf(1) * 4;
    expect(places).toContainEqual({ text: 0, row: first, target: 7, weight: 1 });
    expect(places).toContainEqual({ text: 1, row: second, target: 9, weight: 1 });
    expect(weights.slice(2).every((weight) => weight === 0)).toBe(true);
  });
});

describe('scores', () => {
  const texts = async () =>
    encodeLanguageExamples([text('hello world'), text('a'), completion('x', 'yz?'), text('')], model);

  test('a text is scored alone as in a batch, in order, by the mean over its supervised tokens', async () => {
    const encoded = await texts();
    const before = tf.memory().numTensors;
    const together = await scoreTexts(model, encoded, { batchSize: 4 });
    expect(tf.memory().numTensors).toBe(before);
    for (const [i, one] of encoded.entries()) {
      const [alone] = await scoreTexts(model, [one]);
      expect(together[i]!.loss).toBeCloseTo(alone!.loss, 5);
      expect(together[i]!.tokens).toBe(one.supervised.filter(Boolean).length);
    }
    const [plain] = await scoreTexts(model, await encodeLanguageExamples([text('abc')], model, { appendEnd: false }));
    const expected = tf.tidy(() => {
      const ids = idsOf('abc');
      const log = tf.logSoftmax(model.scores(model.hidden({ ids: tf.tensor2d([ids], undefined, 'int32') })));
      const table = log.arraySync();
      return -(table[0]![ids[1]!]! + table[1]![ids[2]!]!) / 2;
    });
    expect(plain!.loss).toBeCloseTo(expected, 5);
  });

  test('encoding and scoring say how far they are: texts, and the tokens in them', async () => {
    const encoding: number[][] = [];
    const examples = [text('hello world'), text('a'), completion('x', 'yz?')];
    const encoded = await encodeLanguageExamples(examples, model, { onProgress: (...report) => encoding.push(report) });
    expect(encoding).toEqual([0, 1, 2, 3].map((done) => [done, 3]));

    const scoring: number[][] = [];
    await scoreTexts(model, encoded, { batchSize: 2, onProgress: (...report) => scoring.push(report) });
    const tokens = encoded.reduce((sum, { ids }) => sum + ids.length, 0);
    expect(scoring).toHaveLength(3);
    expect(scoring[0]).toEqual([0, 3, 0]);
    expect(scoring[1]![2]).toBeLessThan(tokens);
    expect(scoring[2]).toEqual([3, 3, tokens]);
  });

  test('a loss that is not finite names the text and its line', async () => {
    const broken = {
      ...model,
      hidden: model.hidden.bind(model),
      losses: () => tf.tensor1d(Array(32).fill(Number.NaN)),
    };
    await expect(scoreTexts(broken, await texts())).rejects.toThrow(/line 1\) is not finite/);
  });
});

describe('the data are looked at before the first step', () => {
  const task = (examples: readonly EncodedText[], allowEndless = false) =>
    languageModelTask({ model, parameters: new Map(), examples, allowEndless });

  test('an end that is never learned is refused, unless it is meant', async () => {
    const endless = await encodeLanguageExamples([text('abc')], model, { appendEnd: false });
    expect(() => task(endless)).toThrow(/none of its end tokens \(2\) is ever learned.*--append-eos/);
    expect(task(endless, true).batchCount).toBe(1);
    const cut = await encodeLanguageExamples([text('abcdef')], model, { maxLength: 3 });
    expect(() => task(cut)).toThrow(/All examples were cut; raise maxLength/);
    const masked = [{ ids: [5, 6, 2], supervised: [false, true, false], cut: 0 }];
    expect(() => task(masked)).toThrow(/never|ever learned/);
  });

  test('a begin token that stands twice is refused', () => {
    const doubled = [{ ids: [1, 1, 5, 2], supervised: [false, true, true, true], cut: 0, line: 7 }];
    expect(() => task(doubled)).toThrow(/example of line 7 begins with the token 1 twice/);
  });

  test('nothing to learn is said', async () => {
    expect(() => task([])).toThrow(/nothing to learn/);
    const empty = await encodeLanguageExamples([text('')], model, { appendEnd: false });
    expect(() => task(empty)).toThrow(/nothing to learn/);
  });
});

async function perplexityOf(examples: readonly EncodedText[]): Promise<number> {
  const scores = await scoreTexts(model, examples);
  return evaluate(scores, scores, [perplexity])['perplexity']!.value;
}

test('a LoRA learns a completion by heart', async () => {
  const adapters = new AdapterSet(model);
  const adapter = await adapters.add({
    method: lora as AdapterMethod<never>,
    config: { rank: 8, alpha: 16 },
    targetModules: 'all-linear',
  });
  const examples = await encodeLanguageExamples(
    [completion('2+2=', '4'), completion('3+3=', '6'), completion('1+4=', '5')],
    model,
  );
  const before = await perplexityOf(examples);
  const task = languageModelTask({ model, parameters: adapterParameters(adapter), examples, batchSize: 3 });
  for await (const event of train({ task, learningRate: 0.02, steps: 25 })) expect(event.type).not.toBe('interrupted');
  const after = await perplexityOf(examples);
  expect(after).toBeLessThan(1.2);
  expect(before).toBeGreaterThan(10);
  adapters.remove(adapter.name);
});
