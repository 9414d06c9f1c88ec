/** On an engine that compiles graphs a step is one run of one graph, the first like every other. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { createOnnxruntimeEngine } from '@loran/engine-onnxruntime';
import { closeEngine, openEngine, portableEngine } from '@loran/tensor';
import { afterEach, expect, test } from 'vitest';
import { toyClassifier, toyExamples } from './__fixtures__/toy-classifier.js';
import { classificationTask } from './classification/classification-task.js';
import { adamW } from './optimizer/adamw.js';
import { type Optimizer } from './optimizer/optimizer.js';
import { sgd } from './optimizer/sgd.js';
import { linearSchedule } from './schedule.js';
import { train } from './train.js';
import type { StepEvent } from './training-event.js';

afterEach(closeEngine);

/** Twelve steps over batches of one shape; `each` sees the steps. */
async function trainToy(optimizer: Optimizer, accumulate: number, each: (event: StepEvent) => void): Promise<void> {
  const { classifier, parameters, dispose } = await toyClassifier({ dropout: 0.1 });
  const task = classificationTask({ classifier, parameters, examples: toyExamples(40), batchSize: 10, bucketWidth: 8 });
  const schedule = linearSchedule({ warmupSteps: 2 });
  const steps = 12;
  for await (const event of train({
    task,
    optimizer,
    accumulate,
    schedule,
    learningRate: 0.02,
    steps,
    maxGradientNorm: 1,
  })) {
    if (event.type === 'step') each(event);
  }
  dispose();
}

test.each([
  ['adamw', adamW, 1, { runs: 12, graphs: 1 }],
  ['sgd with momentum', () => sgd({ momentum: 0.9 }), 1, { runs: 12, graphs: 1 }],
  // the first batch's gradients are added up in a run of their own; the second's are added and applied in one
  ['adamw over two batches', adamW, 2, { runs: 24, graphs: 2 }],
])('%s: runs and graphs', async (_, make, accumulate, { runs, graphs }) => {
  const engine = await openEngine(createOnnxruntimeEngine({ log: () => {} }), { device: 'cpu' });
  const seen: boolean[] = [];
  const stop = engine.observe(({ compiled }) => seen.push(compiled));
  const alive = new Set<number>();
  await trainToy(make(), accumulate, ({ step }) => {
    if (step > 1) alive.add(tf.memory().numTensors);
  });
  stop();
  expect(seen).toHaveLength(runs);
  expect(seen.filter(Boolean)).toHaveLength(graphs);
  expect(alive.size).toBe(1);
});

test('the losses are those of the portable engine', async () => {
  const losses = { onnxruntime: [] as number[], portable: [] as number[] };
  await openEngine(createOnnxruntimeEngine({ log: () => {} }), { device: 'cpu' });
  await trainToy(adamW(), 1, ({ loss }) => losses.onnxruntime.push(loss));
  await openEngine(portableEngine('cpu'));
  await trainToy(adamW(), 1, ({ loss }) => losses.portable.push(loss));
  expect(losses.portable.at(-1)).toBeLessThan(losses.portable[0]!);
  losses.portable.forEach((loss, i) => {
    expect(losses.onnxruntime[i]).toBeCloseTo(loss, 5);
  });
});
