import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { LabelMap } from '@loran/datasets';
import { accuracy, macroF1 } from '@loran/evaluators';
import { openEngine, portableEngine, randomStream } from '@loran/tensor';
import { beforeAll, expect, test } from 'vitest';
import { toyClassifier, toyExamples } from '../__fixtures__/toy-classifier.js';
import { classificationTask } from './classification-task.js';
import { crossEntropy } from './cross-entropy.js';
import { encodeExamples } from './encode-examples.js';
import { evaluateClassifier } from './evaluate-classifier.js';
import { predict } from './predict.js';

beforeAll(async () => {
  await openEngine(portableEngine('cpu'));
});

test('cross-entropy and its gradient are those of the definition, for scores of any size', async () => {
  const scores = [
    [2, -1, 0.5],
    [1000, 0, -1000],
    [-3, -3, -3],
  ];
  const labels = [2, 0, 1];
  const logits = tf.tensor2d(scores);
  const gradientOf = tf.valueAndGrad((z: tf.Tensor) => crossEntropy(z as Tensor2D, tf.tensor1d(labels, 'int32')));
  const { value, grad } = gradientOf(logits);
  const softmax = scores.map((row) => {
    const highest = Math.max(...row);
    const e = row.map((z) => Math.exp(z - highest));
    return e.map((x) => x / e.reduce((a, b) => a + b));
  });
  expect((await value.data())[0]).toBeCloseTo((-Math.log(softmax[0]![2]!) + 0 + Math.log(3)) / 3, 6);
  const gradient = (await grad.array()) as number[][];
  softmax.forEach((row, i) => {
    row.forEach((p, c) => {
      expect(gradient[i]![c]).toBeCloseTo((p - (labels[i] === c ? 1 : 0)) / 3, 6);
    });
  });
});

test('batches hold each example once, and the mean over an epoch is that over the examples', async () => {
  const { classifier, parameters, dispose } = await toyClassifier();
  const examples = toyExamples(23);
  const task = classificationTask({ classifier, parameters, examples, batchSize: 5, bucketWidth: 2 });
  const whole = classificationTask({ classifier, parameters, examples, batchSize: 23 });
  const pass = { training: true, random: randomStream(0) };
  const seen: number[] = [];
  let [loss, tokens] = [0, 0];
  for await (const batch of task.batches(0)) {
    seen.push(...batch.indices);
    expect(batch.shape[1] % 2).toBe(0);
    const value = task.loss(batch, pass);
    loss += (await value.data())[0]! * task.weight(batch);
    tokens += task.tokens(batch);
    value.dispose();
  }
  expect(seen.sort((a, b) => a - b)).toEqual(examples.map((_, i) => i));
  expect(task.batchCount).toBe(5);
  expect(tokens).toBe(examples.reduce((sum, { ids }) => sum + ids.length, 0));
  const [batch] = whole.batches(0) as Iterable<never>;
  expect(loss / 23).toBeCloseTo((await whole.loss(batch!, pass).data())[0]!, 5);
  dispose();
});

test('the order differs between epochs and seeds, and follows from them', async () => {
  const { classifier, parameters, dispose } = await toyClassifier();
  const order = (seed: number, epoch: number) => {
    const task = classificationTask({ classifier, parameters, examples: toyExamples(40), batchSize: 4, seed });
    return [...(task.batches(epoch) as Iterable<{ indices: readonly number[] }>)].flatMap(({ indices }) => indices);
  };
  expect(order(1, 0)).toEqual(order(1, 0));
  expect(order(1, 1)).not.toEqual(order(1, 0));
  expect(order(2, 0)).not.toEqual(order(1, 0));
  dispose();
});

test('predictions stand in the order of the examples, whatever the batches', async () => {
  const { classifier, dispose } = await toyClassifier();
  const examples = toyExamples(19);
  const atStart = tf.memory().numTensors;
  const together = await predict(classifier, examples, { batchSize: 8, bucketWidth: 2 });
  expect(tf.memory().numTensors).toBe(atStart);
  expect(together.logits).toHaveLength(19 * 3);
  for (const [i, example] of examples.entries()) {
    const alone = await predict(classifier, [example], { bucketWidth: 1 });
    expect(together.labels[i]).toBe(alone.labels[0]);
    alone.logits.forEach((score, c) => {
      expect(together.logits[i * 3 + c]).toBeCloseTo(score, 5);
    });
    const row = [...together.probabilities.subarray(i * 3, i * 3 + 3)];
    expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 6);
    expect(row.indexOf(Math.max(...row))).toBe(together.labels[i]);
  }
  await expect(predict(classifier, examples, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/);
  dispose();
});

test('encoding and predicting say how far they are: texts, and the tokens in them', async () => {
  const { classifier, dispose } = await toyClassifier();
  const encoding: number[][] = [];
  const texts = ['1', '2 3'].map((text) => ({ text, label: 'one' }));
  const onEncoded = (...report: number[]) => encoding.push(report);
  encodeExamples(texts, classifier, { labels: new LabelMap(['one', 'two']), onProgress: onEncoded });
  expect(encoding).toEqual([0, 1, 2].map((done) => [done, 2]));

  const predicting: number[][] = [];
  const examples = toyExamples(19);
  await evaluateClassifier(classifier, examples, [accuracy], {
    batchSize: 8,
    onProgress: (...report) => predicting.push(report),
  });
  expect(predicting[0]).toEqual([0, 19, 0]);
  expect(predicting).toHaveLength(4);
  expect(predicting.filter(([done]) => done === 19)).toHaveLength(1);
  expect(predicting.at(-1)).toEqual([19, 19, examples.reduce((sum, { ids }) => sum + ids.length, 0)]);
  dispose();
});

test('scores that are not finite are refused, naming the example', async () => {
  const { classifier, parameters, dispose } = await toyClassifier();
  const bias = [...parameters].find(([name]) => name.endsWith('classifier.bias'))![1];
  bias.assign(tf.tensor1d([0, Number.NaN, 0]) as Tensor1D);
  await expect(predict(classifier, toyExamples(3))).rejects.toThrow(/scores of example 0 are not finite/);
  dispose();
});

test('texts and labels become ids and classes; evaluation compares label names', async () => {
  const { classifier, dispose } = await toyClassifier();
  const labels = new LabelMap(['zero', 'two', 'one']); // sorted: one, two, zero
  const texts = [
    { text: '3 6 9', label: 'zero' },
    { text: '1 4 7 10 13', label: 'one' },
  ];
  expect(encodeExamples(texts, classifier, { labels, maxLength: 4 })).toEqual([
    { ids: [3, 6, 9], label: 2 },
    { ids: [1, 4, 7, 10], label: 0 },
  ]);
  expect(() => encodeExamples([{ text: '1', label: 'three' }], classifier, { labels })).toThrow(
    /label 'three' is unknown/,
  );

  const examples = toyExamples(30);
  const { metrics, labels: predicted } = await evaluateClassifier(classifier, examples, [accuracy, macroF1]);
  const correct = examples.filter(({ label }, i) => label === predicted[i]).length;
  expect(metrics['accuracy']!.value).toBeCloseTo(correct / 30, 9);
  expect(Object.keys(metrics)).toEqual(['accuracy', 'macro-f1']);
  dispose();
});

test('what cannot be trained on is named', async () => {
  const { classifier, parameters, dispose } = await toyClassifier();
  const task = (examples: { ids: number[]; label: number }[], batchSize = 2) =>
    classificationTask({ classifier, parameters, examples, batchSize });
  expect(() => task([])).toThrow('There are no examples to train on.');
  expect(() =>
    task([
      { ids: [1], label: 0 },
      { ids: [2], label: 3 },
    ]),
  ).toThrow('Example 1 is of class 3; this classifier has 3 classes, 0 to 2.');
  expect(() => task([{ ids: [1], label: 0 }], 0)).toThrow('batchSize is 0.');
  const long = task([{ ids: Array.from({ length: 65 }, () => 1), label: 0 }]);
  expect(() => [...(long.batches(0) as Iterable<unknown>)]).toThrow(/example 0 has 65 tokens.*Truncate/);
  dispose();
});
