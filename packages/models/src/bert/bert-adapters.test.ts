import * as tf from '@tensorflow/tfjs-core';
import { AdapterSet, adapterParameters, type BaseStorage, fp32 } from '@loran/adapter';
import { onnxruntime } from '@loran/engine-onnxruntime';
import { lora } from '@loran/lora';
import { nf4 } from '@loran/qlora';
import { closeEngine, openEngine } from '@loran/tensor';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { difference, golden, goldenBatch, goldenLoss, tinyBert } from '../__fixtures__/golden.js';
import { loadSequenceClassifier } from '../open-model.js';
import type { Pooling } from '../sequence-classifier.js';

beforeAll(() => openEngine(onnxruntime, { device: 'cpu' }));
afterAll(closeEngine);

const cases: [string, BaseStorage, Pooling][] = [
  ['fp32, cls', fp32, 'cls'],
  ['fp32, mean', fp32, 'mean'],
  ['nf4, mean', nf4, 'mean'],
];

describe.each(cases)('LoRA over %s', (_, base, head) => {
  const load = () => loadSequenceClassifier(tinyBert, { base, head, labels: ['ham', 'spam', 'neither'] });

  test('begins as the base model, and 12 steps lower the loss and move every parameter', async () => {
    const model = await load();
    const before = model.logits(goldenBatch());
    const set = new AdapterSet(model);
    const adapter = await set.add({
      method: lora,
      config: { rank: 2, alpha: 4 },
      targetModules: 'all-linear',
      modulesToSave: ['classifier'],
    });
    const parameters = [...adapterParameters(adapter)];
    expect(await difference(model.logits(goldenBatch()), [...(await before.data())])).toBeLessThan(1e-6);
    const initial = await Promise.all(parameters.map(([, parameter]) => parameter.data()));
    const batch = goldenBatch();
    const optimizer = tf.train.adam(0.03);
    const losses: number[] = [];
    for (let step = 0; step < 12; step++) {
      const loss = tf.tidy(() => {
        const variables = parameters.map(([, parameter]) => parameter);
        const { value, grads } = tf.variableGrads(() => goldenLoss(model.logits(batch)), variables);
        optimizer.applyGradients(Object.entries(grads).map(([name, tensor]) => ({ name, tensor })));
        return value;
      });
      losses.push((await loss.data())[0]!);
      loss.dispose();
    }
    expect(losses.at(-1)).toBeLessThan(0.5 * losses[0]!);
    for (const [i, [name, parameter]] of parameters.entries()) {
      expect(await difference(parameter, [...initial[i]!]), `${name} has not moved`).toBeGreaterThan(1e-4);
    }
    optimizer.dispose();
    set.remove('default');
    model.dispose();
  });

  test('merged, the model computes the same', async () => {
    const model = await load();
    const set = new AdapterSet(model);
    const adapter = await set.add({
      method: lora,
      config: { rank: 2, alpha: 4 },
      targetModules: ['query', 'value', 'word_embeddings', 'dense'],
    });
    for (const [name, parameter] of adapterParameters(adapter))
      if (name.endsWith('.B')) parameter.assign(tf.fill(parameter.shape, 0.05));
    const adapted = [...(await model.logits(goldenBatch()).data())];
    await set.merge();
    expect(await difference(model.logits(goldenBatch()), adapted)).toBeLessThan(1e-4);
    set.unmerge();
    expect(await difference(model.logits(goldenBatch()), adapted)).toBe(0);
    set.remove('default');
    model.dispose();
  });
});

test('all linear layers but the classifier are targets, as in PEFT', async () => {
  const model = await loadSequenceClassifier(tinyBert);
  const set = new AdapterSet(model);
  const { layers } = await set.add({ method: lora, config: { rank: 2 }, targetModules: 'all-linear' });
  const linear = [...model.modules()].filter(([path, { frozen }]) => frozen.kind === 'linear' && path !== 'classifier');
  expect([...layers.keys()]).toEqual(linear.map(([path]) => path));
  expect(set.count().all - set.count().trainable).toBe(
    79 * 24 +
      24 * 24 +
      2 * 24 +
      48 +
      2 * (4 * (24 * 24 + 24) + 2 * 24 * 40 + 40 + 24 + 4 * 24) +
      (24 * 24 + 24) +
      (3 * 24 + 3),
  );
  model.dispose();
});

test('NF4 weights give logits near those of transformers', async () => {
  const model = await loadSequenceClassifier(tinyBert, { base: nf4 });
  const error = await difference(model.logits(goldenBatch()), golden.F32.logits);
  expect(error).toBeGreaterThan(1e-4);
  expect(error).toBeLessThan(1);
  model.dispose();
});
