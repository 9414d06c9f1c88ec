/** The job of tools/bench/newsgroups.ts for a few steps: a real model, real posts, the default engine. */
import { AdapterSet, adapterParameters, formatParameterCount } from '@loran/adapter';
import { permutation, readTextClassification } from '@loran/datasets';
import { createOnnxruntimeEngine } from '@loran/engine-onnxruntime';
import { lora } from '@loran/lora';
import { loadSequenceClassifier } from '@loran/models';
import { testData } from '@loran/testing';
import { closeEngine, openEngine } from '@loran/tensor';
import { afterAll, expect, test } from 'vitest';
import { classificationTask } from './classification/classification-task.js';
import { encodeExamples } from './classification/encode-examples.js';
import { train } from './train.js';

afterAll(closeEngine);

test('LoRA on 3,000 posts of 20 Newsgroups from MiniLM: the loss falls', { timeout: 900_000 }, async (context) => {
  const model = testData('models/all-minilm-l6-v2');
  const data = testData('data/20news/20news-bydate-train.jsonl.gz');
  if (model === undefined || data === undefined) return context.skip('LORAN_TEST_DATA is not set');
  const engine = await openEngine(createOnnxruntimeEngine({ log: () => {} }), { device: 'cpu' });

  const { items, labels } = await readTextClassification(data, { labelNameField: 'label_text' });
  const posts = Array.from(permutation(items.length, { seed: 0 }).slice(0, 3000), (i) => items[i]!);
  const classifier = await loadSequenceClassifier(model, { labels: labels.labels, head: 'mean' });
  const set = new AdapterSet(classifier);
  const adapter = await set.add({
    method: lora,
    config: { rank: 8, alpha: 16 },
    targetModules: ['query', 'value'],
    modulesToSave: ['classifier'],
  });
  // 6 layers × 2 modules × (8 × 384 + 384 × 8), and the head: 20 × 384 + 20
  expect(formatParameterCount(set.count())).toMatch(/^trainable params: 81,428 \|\| all params: 22,654,504 /);

  const examples = encodeExamples(posts, classifier, { labels, maxLength: 128 });
  const parameters = adapterParameters(adapter);
  const task = classificationTask({ classifier, parameters, examples, batchSize: 32 });
  expect(task.batchCount).toBe(94);
  const runs: boolean[] = [];
  engine.observe(({ compiled }) => runs.push(compiled));
  const losses: number[] = [];
  for await (const event of train({ task, learningRate: 2e-3, steps: 8 })) {
    if (event.type === 'step') losses.push(event.loss);
  }
  expect(losses).toHaveLength(8);
  expect(losses[0]).toBeCloseTo(Math.log(20), 1); // a new head knows nothing
  expect((losses[6]! + losses[7]!) / 2).toBeLessThan(losses[0]! - 0.08);
  expect(runs).toHaveLength(8);
  expect(runs.filter(Boolean).length).toBeLessThanOrEqual(4); // one graph for each length in the buckets
  classifier.dispose();
});
