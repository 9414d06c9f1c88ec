import { rm } from 'node:fs/promises';
import { lora } from '@loran/lora';
import { expect, test } from 'vitest';
import { cpuLab, model, toyTask } from './__fixtures__/toy-task.js';
import { optimizerOf } from './optimizer.js';
import { parseOptions, trainingOptions } from './options.js';

const optimizer = (options: object) => optimizerOf({ ...parseOptions(trainingOptions, options), learningRate: 1e-3 });

test('the options choose optimiser, decay and groups', () => {
  expect(optimizer({}).name).toBe('adamw');
  expect(optimizer({ optimizer: 'adamw-8bit', weightDecay: 0.2 })).toMatchObject({
    name: 'adamw-8bit',
    settings: { weightDecay: 0.2 },
  });
  const { groups } = optimizer({ loraPlusRatio: 16, optimizer: 'sgd', weightDecay: 0.2 }).settings as {
    groups: readonly { name: string; rateRatio: number; optimizer: string; weightDecay: number }[];
  };
  expect(groups.map(({ name, rateRatio, weightDecay }) => [name, rateRatio, weightDecay])).toEqual([
    ['embedding', 1e-6 / 1e-3, 0.2],
    ['output side', 16, 0.2],
    ['bias', 16, 0],
    ['vector', 16, 0.2],
    ['input side', 1, 0.2],
  ]);
  expect(groups.every((group) => group.optimizer === 'sgd')).toBe(true);
});

test('what cannot be meant is refused', () => {
  expect(() => optimizer({ embeddingLearningRate: 1e-5 })).toThrow(/give training\.loraPlusRatio too/);
  expect(() => optimizer({ loraPlusRatio: 0.5 })).toThrow(/training\.loraPlusRatio|loraPlusRatio: /);
});

test('a run learns with LoRA+ over 8-bit moments', async () => {
  const toy = await toyTask();
  const training = { steps: 30, batchSize: 8, maxLength: 12, optimizer: 'adamw-8bit', loraPlusRatio: 4 } as const;
  const run = await cpuLab()
    .use(lora)
    .train({
      ...{ model, data: { train: toy.train, test: toy.test } },
      training: { ...training, learningRate: 0.01, warmupSteps: 2 },
    });
  expect(run.metrics.accuracy?.value).toBe(1);
  await rm(toy.folder, { recursive: true });
});
