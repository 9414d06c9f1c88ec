/** Pairs of texts: how they are encoded and batched, and twenty updates of LoRA on a tiny Flan-T5 against PEFT's. */
import * as tf from '@tensorflow/tfjs-core';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type AdapterMethod, adapterParameters, AdapterSet, inference, loadAdapter } from '@loran/adapter';
import { onnxruntime } from '@loran/engine-onnxruntime';
import { lora } from '@loran/lora';
import type { SequenceToSequenceModel } from '@loran/models';
import { closeEngine, openEngine } from '@loran/tensor';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tinyFlan } from '../__fixtures__/tiny-models.js';
import { adamW } from '../optimizer/adamw.js';
import { train } from '../train.js';
import { encodePairs } from './encode-pairs.js';
import { pairBatches } from './pair-batch.js';
import { scorePairs, sequenceToSequenceTask } from './sequence-to-sequence-task.js';

let model: SequenceToSequenceModel;
beforeAll(async () => {
  await openEngine(onnxruntime, { device: 'cpu' });
  model = await tinyFlan();
});
afterAll(async () => {
  model.dispose();
  await closeEngine();
});

const pair = (prompt: string, completion: string) => ({ form: 'completion' as const, prompt, completion, line: 3 });
const idsOf = (text: string) => Array.from(text, (character) => character.charCodeAt(0) - 32 + 3);

describe('encoding', () => {
  test('the prompt is read, the completion and the end are written', () => {
    const reports: number[][] = [];
    const [one] = encodePairs([pair('ab', 'cd')], model, { onProgress: (...report) => reports.push(report) });
    expect(reports).toEqual([
      [0, 1],
      [1, 1],
    ]);
    const [end] = model.endIds;
    expect(one).toEqual({ inputs: idsOf('ab'), labels: [...idsOf('cd'), end], cut: 0, line: 3 });
    expect(encodePairs([pair('ab', 'cd')], model, { appendEnd: false })[0]!.labels).toEqual(idsOf('cd'));
  });

  test('what is too long loses its end, and other forms are refused', () => {
    expect(encodePairs([pair('abcdef', 'xyz')], model, { maxLength: 3 })[0]).toMatchObject({
      inputs: idsOf('abc'),
      labels: idsOf('xyz'),
      cut: 4,
    });
    expect(() => encodePairs([{ form: 'text', text: 'a', line: 9 }], model)).toThrow(/line 9 has no prompt/);
  });
});

test('a batch shifts what is written by the start, and names the places that are learned', () => {
  const pairs = [
    { inputs: [5, 6, 7], labels: [8, 9, 2], cut: 0 },
    { inputs: [5], labels: [4], cut: 0 },
  ];
  const [batch] = pairBatches(pairs, { padId: 0, startId: 1 }, { batchSize: 2, seed: 0, bucketWidth: 4 });
  const { indices, writtenShape, written, rows, targets, owners, supervised } = batch!;
  expect(writtenShape).toEqual([2, 16]);
  const first = indices.indexOf(0) * 16;
  expect([...written.subarray(first, first + 4)]).toEqual([1, 8, 9, 0]);
  expect(supervised).toBe(4);
  const learned = [...owners].map((owner, i) => [indices[owner], rows[i]! % 16, targets[i]]);
  expect(learned).toContainEqual([0, 2, 2]);
  expect(learned).toContainEqual([1, 0, 4]);
});

test('scores: a pair alone has the loss that it has in a batch', async () => {
  const pairs = encodePairs([pair('hello there', 'hi'), pair('x', 'a longer answer'), pair('12', '')], model);
  const before = tf.memory().numTensors;
  const reports: number[][] = [];
  const together = await scorePairs(model, pairs, { batchSize: 3, onProgress: (...report) => reports.push(report) });
  const tokens = pairs.reduce((sum, { inputs, labels }) => sum + inputs.length + labels.length, 0);
  expect(reports).toEqual([
    [0, 3, 0],
    [3, 3, tokens],
  ]);
  expect(tf.memory().numTensors).toBe(before);
  for (const [i, one] of pairs.entries()) {
    const [alone] = await scorePairs(model, [one]);
    expect(together[i]!.loss).toBeCloseTo(alone!.loss, 4);
    expect(together[i]!.tokens).toBe(one.labels.length);
  }
});

test('an end that is never learned, and nothing to learn, are refused', () => {
  const task = (examples: { inputs: number[]; labels: number[]; cut: number }[]) =>
    sequenceToSequenceTask({ model, parameters: new Map(), examples });
  expect(() => task([{ inputs: [5], labels: [6], cut: 0 }])).toThrow(/ever learned.*--append-eos/);
  expect(() => task([{ inputs: [5], labels: [], cut: 0 }])).toThrow(/nothing to learn/);
});

test("twenty updates have PEFT's losses", async () => {
  interface Golden {
    readonly settings: Readonly<Record<'learningRate' | 'weightDecay' | 'updates', number>>;
    readonly steps: readonly { readonly inputs: number[][]; readonly labels: number[][]; readonly loss: number }[];
  }
  const fixture = fileURLToPath(new URL('../__fixtures__/peft-pair-training', import.meta.url));
  const { settings, steps } = JSON.parse(fs.readFileSync(path.join(fixture, 'steps.json'), 'utf8')) as Golden;
  const set = new AdapterSet(model);
  const adapter = await loadAdapter(set, path.join(fixture, 'start'), { methods: [lora as AdapterMethod] });
  const encoded = steps.map(({ inputs, labels }) =>
    inputs.map((ids, i) => ({ inputs: ids, labels: labels[i]!, cut: 0 })),
  );
  const task = sequenceToSequenceTask({ model, parameters: adapterParameters(adapter), examples: encoded.flat() });
  const batches = encoded.map((pairs) => {
    const [batch] = pairBatches(
      pairs,
      { padId: 0, startId: model.startId },
      { batchSize: 4, seed: 0, bucketWidth: 16 },
    );
    return batch!;
  });
  const losses: number[] = [];
  for await (const event of train({
    task: { ...task, batches: () => batches, batchCount: batches.length, loss: (batch) => task.loss(batch, inference) },
    learningRate: settings.learningRate,
    optimizer: adamW({ weightDecay: settings.weightDecay }),
    epochs: 1,
  })) {
    if (event.type === 'step') losses.push(event.loss);
  }
  expect(losses).toHaveLength(settings.updates);
  losses.forEach((loss, i) => {
    expect(Math.abs(loss - steps[i]!.loss), `step ${i}`).toBeLessThan(1e-4);
  });
  set.remove(adapter.name);
});
