import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Variable } from '@tensorflow/tfjs-core';
import { LoranError } from '@loran/plugin';
import { dropout, openEngine, portableEngine, variable } from '@loran/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import { toyClassifier, toyExamples } from './__fixtures__/toy-classifier.js';
import { classificationTask } from './classification/classification-task.js';
import { predict } from './classification/predict.js';
import { adamW } from './optimizer/adamw.js';
import { sgd } from './optimizer/sgd.js';
import { linearSchedule } from './schedule.js';
import { train } from './train.js';
import type { TrainOptions } from './train-options.js';
import type { StepEvent, TrainingEvent } from './training-event.js';
import type { TrainingTask } from './training-task.js';

beforeAll(async () => {
  await openEngine(portableEngine('cpu'));
});

async function collect(events: AsyncIterable<TrainingEvent>): Promise<TrainingEvent[]> {
  const all: TrainingEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

const steps = (events: readonly TrainingEvent[]) => events.filter((event): event is StepEvent => event.type === 'step');
const types = (events: readonly TrainingEvent[]) => events.map(({ type }) => type);
const valuesOf = (parameters: ReadonlyMap<string, Variable>) =>
  Promise.all([...parameters.values()].map(async (parameter) => [...(await parameter.data<'float32'>())]));

/** Rows of numbers, fitted to a line: loss = mean (x·w − 3 x₀)², with dropout on x where `rate` is above 0. */
function lineTask(rows: readonly (readonly [number, number])[], batchSizes: readonly number[], rate = 0) {
  const w = variable(tf.tensor2d([0.5, -0.25], [2, 1])) as Variable;
  const task: TrainingTask<readonly (readonly [number, number])[]> = {
    parameters: new Map([['w', w]]),
    batchCount: batchSizes.length,
    *batches() {
      let start = 0;
      for (const size of batchSizes) yield rows.slice(start, (start += size));
    },
    loss: (batch, { random }) => {
      const x = tf.tensor2d(batch.map((row) => [...row])); // [batch, 2]
      const target = tf.mul(tf.slice(x, [0, 0], [-1, 1]), 3);
      return tf.mean<Scalar>(tf.square(tf.sub(tf.matMul(dropout(x, rate, random.key), w), target)));
    },
    weight: (batch) => batch.length,
    tokens: (batch) => 2 * batch.length,
  };
  return { w, task };
}

const rows = Array.from({ length: 10 }, (_, i): [number, number] => [Math.sin(i + 1), Math.cos(3 * i)]);

test('overfits a toy problem', async () => {
  const { classifier, parameters, dispose } = await toyClassifier();
  const examples = toyExamples(30);
  const before = await predict(classifier, examples);
  const task = classificationTask({ classifier, parameters, examples, batchSize: 10 });
  const events = await collect(train({ task, learningRate: 0.05, epochs: 40 }));
  const losses = events.flatMap((event) => (event.type === 'epoch' ? [event.loss] : []));
  expect(losses).toHaveLength(40);
  expect(losses[0]).toBeGreaterThan(0.9);
  expect(losses.at(-1)).toBeLessThan(0.1);
  const after = await predict(classifier, examples);
  const correct = ({ labels }: typeof after) => examples.filter(({ label }, i) => label === labels[i]).length;
  expect(correct(before)).toBeLessThan(20);
  expect(correct(after)).toBe(30);
  dispose();
});

test('the same seeds give the same losses, bit for bit; others do not', async () => {
  const losses = async (seed: number) => {
    const { classifier, parameters, dispose } = await toyClassifier({ dropout: 0.2 });
    const task = classificationTask({ classifier, parameters, examples: toyExamples(40), batchSize: 8, seed: 3 });
    const events = await collect(train({ task, learningRate: 0.02, epochs: 2, seed }));
    dispose();
    return steps(events).map(({ loss }) => loss);
  };
  const first = await losses(1);
  expect(first).toHaveLength(10);
  expect(await losses(1)).toEqual(first);
  expect(await losses(2)).not.toEqual(first);
});

test.each([
  { sizes: [4, 4, 2], accumulate: 3, name: 'three batches, the last one smaller' },
  { sizes: [5, 5], accumulate: 2, name: 'two equal batches' },
  { sizes: [6, 4], accumulate: 5, name: 'fewer batches than asked for' },
])('accumulation equals one large batch: $name', async ({ sizes, accumulate }) => {
  const run = async (batchSizes: readonly number[], each: number) => {
    const { w, task } = lineTask(rows, batchSizes);
    const events = await collect(train({ task, learningRate: 0.05, epochs: 8, accumulate: each, maxGradientNorm: 1 }));
    return { weights: [...(await w.data())], updates: steps(events) };
  };
  const whole = await run([10], 1);
  const parts = await run(sizes, accumulate);
  expect(parts.updates).toHaveLength(8);
  whole.updates.forEach(({ loss, gradientNorm, tokens }, i) => {
    expect(parts.updates[i]!.loss).toBeCloseTo(loss, 6);
    expect(parts.updates[i]!.gradientNorm).toBeCloseTo(gradientNorm, 5);
    expect(parts.updates[i]!.tokens).toBe(tokens);
  });
  parts.weights.forEach((value, i) => {
    expect(value).toBeCloseTo(whole.weights[i]!, 6);
  });
});

test('an epoch that does not divide ends with a smaller update', async () => {
  const { task } = lineTask(rows, [2, 2, 2, 2, 2]);
  const events = await collect(train({ task, learningRate: 0.01, epochs: 2, accumulate: 2 }));
  expect(steps(events).map(({ tokens }) => tokens)).toEqual([8, 8, 4, 8, 8, 4]);
});

test('events say where the training is, and its rates follow the schedule', async () => {
  const { task } = lineTask(rows, [5, 5]);
  const schedule = linearSchedule({ warmupSteps: 2 });
  const events = await collect(train({ task, learningRate: 0.1, epochs: 2, schedule }));
  expect(types(events)).toEqual(['step', 'step', 'epoch', 'step', 'step', 'epoch', 'finished']);
  expect(steps(events).map(({ step, epoch }) => [step, epoch])).toEqual([
    [1, 1],
    [2, 1],
    [3, 2],
    [4, 2],
  ]);
  expect(steps(events).map(({ learningRate }) => learningRate)).toEqual([0, 0.05, 0.1, 0.05]);
  for (const { loss, gradientNorm, tokens, tokensPerSecond, steps: all, epochs, remainingSeconds } of steps(events)) {
    expect([tokens, all, epochs]).toEqual([10, 4, 2]);
    expect(Math.min(loss, gradientNorm, tokensPerSecond)).toBeGreaterThan(0);
    expect(remainingSeconds).toBeGreaterThanOrEqual(0);
  }
  expect(steps(events).at(-1)!.remainingSeconds).toBe(0);
  expect(events.at(-1)).toMatchObject({ step: 4, epoch: 2, tokens: 40 });
});

test('a number of steps goes through the data as often as it takes', async () => {
  const { task } = lineTask(rows, [4, 4, 2]);
  const events = await collect(train({ task, learningRate: 0.01, steps: 5 }));
  expect(types(events)).toEqual(['step', 'step', 'step', 'epoch', 'step', 'step', 'epoch', 'finished']);
  const { batchCount: _, ...unmeasured } = task;
  expect(steps(await collect(train({ task: unmeasured, learningRate: 0.01, steps: 4 })))).toHaveLength(4);
  expect(() => train({ task: unmeasured, learningRate: 0.01, epochs: 1 })).toThrow(/how many batches/);
});

test('clipping bounds the update, and the norm before it is reported', async () => {
  const { w, task } = lineTask(rows, [10]);
  const before = [...(await w.data())];
  const events = await collect(train({ task, learningRate: 0.5, steps: 1, optimizer: sgd(), maxGradientNorm: 0.01 }));
  const moved = Math.hypot(...[...(await w.data())].map((value, i) => value - before[i]!));
  expect(steps(events)[0]!.gradientNorm).toBeGreaterThan(1);
  expect(moved).toBeCloseTo(0.5 * 0.01, 6);
});

test('memory stays flat, and all that was made is freed', async () => {
  const { task } = lineTask(rows, [5, 3, 2], 0.3);
  const atStart = tf.memory().numTensors;
  for (const accumulate of [1, 2]) {
    const during = new Set<number>();
    for await (const event of train({ task, learningRate: 0.01, epochs: 10, accumulate })) {
      if (event.type === 'step') during.add(tf.memory().numTensors);
    }
    expect([...during]).toHaveLength(1);
    expect(tf.memory().numTensors).toBe(atStart);
  }
});

test('a reader that leaves early ends the training', async () => {
  const { task } = lineTask(rows, [5, 5]);
  const atStart = tf.memory().numTensors;
  for await (const event of train({ task, learningRate: 0.01, epochs: 10 })) if (event.step === 3) break;
  expect(tf.memory().numTensors).toBe(atStart);
});

describe('evaluation and saving', () => {
  const marks = async (options: Partial<TrainOptions<never>>) => {
    const { task } = lineTask(rows, [4, 4, 2]);
    const events = await collect(
      train({
        task,
        learningRate: 0.01,
        epochs: 2,
        evaluate: () => Promise.resolve({ accuracy: 0.5 }),
        save: () => Promise.resolve('out'),
        ...(options as object),
      }),
    );
    return events.flatMap(({ type, step }) => (type === 'evaluation' || type === 'saved' ? [`${type} ${step}`] : []));
  };

  test('by default after each epoch, and at the end', async () => {
    expect(await marks({})).toEqual(['evaluation 3', 'evaluation 6', 'saved 6']);
  });
  test('every so many steps', async () => {
    expect(await marks({ evaluateEvery: 4, saveEvery: 2 })).toEqual(['saved 2', 'evaluation 4', 'saved 4', 'saved 6']);
  });
  test('each epoch, the last one once', async () => {
    expect(await marks({ saveEvery: 'epoch' })).toEqual(['evaluation 3', 'saved 3', 'evaluation 6', 'saved 6']);
  });
  test('a training that stops within an epoch is evaluated too', async () => {
    expect(await marks({ steps: 4, epochs: undefined } as never)).toEqual(['evaluation 3', 'evaluation 4', 'saved 4']);
  });
});

describe('interruption', () => {
  test('finishes the step in progress, saves, and says so', async () => {
    const controller = new AbortController();
    const { w, task } = lineTask(rows, [4, 4, 2]);
    const saved: number[][] = [];
    const save = async () => {
      saved.push([...(await w.data())]);
      return 'out';
    };
    const events: TrainingEvent[] = [];
    for await (const event of train({ task, learningRate: 0.01, epochs: 5, signal: controller.signal, save })) {
      events.push(event);
      if (event.step === 4) controller.abort();
    }
    expect(types(events).slice(-3)).toEqual(['step', 'saved', 'interrupted']);
    expect(events.at(-1)).toMatchObject({ step: 4, epoch: 2 });
    expect(saved).toEqual([[...(await w.data())]]);
  });

  test('at the end of an epoch, and while evaluating', async () => {
    const controller = new AbortController();
    const { task } = lineTask(rows, [4, 4, 2]);
    const evaluate = (signal: AbortSignal | undefined) => {
      controller.abort();
      signal?.throwIfAborted();
      return Promise.resolve({});
    };
    const save = () => Promise.resolve(undefined);
    const events = await collect(train({ task, learningRate: 0.01, signal: controller.signal, evaluate, save }));
    expect(types(events)).toEqual(['step', 'step', 'step', 'epoch', 'saved', 'interrupted']);
  });

  test('before the first step there is nothing to save', async () => {
    const { task } = lineTask(rows, [4, 4, 2]);
    const save = () => Promise.reject(new Error('saved'));
    expect(types(await collect(train({ task, learningRate: 0.01, signal: AbortSignal.abort(), save })))).toEqual([
      'interrupted',
    ]);
  });
});

describe('a loss that is not finite', () => {
  /** The task with one batch of the second epoch made bad. */
  const spoiled = (spoil: (loss: Scalar, w: Variable) => Scalar) => {
    const { w, task } = lineTask(rows, [4, 4, 2]);
    let step = 0;
    const bad: typeof task = {
      ...task,
      loss: (batch, pass) => (++step === 5 ? spoil(task.loss(batch, pass), w) : task.loss(batch, pass)),
    };
    return { w, task: bad };
  };

  test.each([
    ['NaN', (loss: Scalar) => tf.mul<Scalar>(loss, Number.NaN), 'the loss is not finite (loss NaN'],
    ['infinity', (loss: Scalar) => tf.div<Scalar>(loss, 0), 'the loss is not finite (loss Infinity'],
    [
      'a gradient of infinity',
      (loss: Scalar, w: Variable) => tf.add<Scalar>(loss, tf.sum(tf.sqrt(tf.mul(w, 0)))),
      'the gradients are not finite (loss ',
    ],
  ])('%s stops the training with the last good parameters, saved', async (_, spoil, message) => {
    const reference = lineTask(rows, [4, 4, 2]);
    await collect(train({ task: reference.task, learningRate: 0.05, steps: 4 }));
    const { w, task } = spoiled(spoil);
    const saved: number[][] = [];
    const events: TrainingEvent[] = [];
    const save = async () => {
      saved.push([...(await w.data())]);
      return 'out';
    };
    const training = async () => {
      for await (const event of train({ task, learningRate: 0.05, steps: 9, save })) events.push(event);
    };
    await expect(training()).rejects.toThrow(`Training stopped at step 5 (epoch 2): ${message}`);
    expect(types(events).slice(-2)).toEqual(['step', 'saved']);
    expect(events.at(-1)).toMatchObject({ step: 4 });
    expect(saved).toEqual([[...(await w.data())]]);
    expect(saved).toEqual([[...(await reference.w.data())]]);
  });

  test('an update that is not finite is not made', async () => {
    const { w, task } = lineTask(rows, [10]);
    const before = [...(await w.data())];
    const training = collect(train({ task, learningRate: 1e38, steps: 2, optimizer: adamW({ weightDecay: 100 }) }));
    await expect(training).rejects.toThrow(/step 1 \(epoch 1\): the updated parameters are not finite/);
    await expect(training).rejects.toMatchObject({ code: 'NON_FINITE_LOSS', step: 1, epoch: 1 });
    expect([...(await w.data())]).toEqual(before);
  });

  test('says so when the last good parameters could not be saved', async () => {
    const { task } = spoiled((loss) => tf.mul<Scalar>(loss, Number.NaN));
    const save = () => Promise.reject(new LoranError('WRITE_FAILED', 'the disk is full'));
    await expect(collect(train({ task, learningRate: 0.05, steps: 9, save }))).rejects.toThrow(
      /those of step 4.*could not be saved: the disk is full/,
    );
  });

  test('within an accumulated update', async () => {
    const { w, task } = spoiled((loss) => tf.mul<Scalar>(loss, Number.NaN)); // the second batch of the second update
    const reference = lineTask(rows, [4, 4, 2]);
    await collect(train({ task: reference.task, learningRate: 0.05, steps: 1, accumulate: 3 }));
    await expect(collect(train({ task, learningRate: 0.05, steps: 3, accumulate: 3 }))).rejects.toMatchObject({
      step: 2,
    });
    expect(await valuesOf(task.parameters)).toEqual(await valuesOf(reference.task.parameters));
    expect(w.isDisposed).toBe(false);
  });
});

test('a parameter that the loss does not use is named', async () => {
  const { task } = lineTask(rows, [10]);
  const unused = variable(tf.zeros([2])) as Variable;
  const parameters = new Map([...task.parameters, ['layer.unused', unused]]);
  const training = collect(train({ task: { ...task, parameters }, learningRate: 0.1, steps: 1 }));
  await expect(training).rejects.toThrow('The loss does not depend on 1 of 2 parameters: layer.unused.');
  await expect(training).rejects.toMatchObject({ code: 'PARAMETER_WITHOUT_GRADIENT' });
});

test.each([
  [{ learningRate: 0 }, 'learningRate is 0. Expected a number above 0.'],
  [{ learningRate: Number.POSITIVE_INFINITY }, 'learningRate is Infinity.'],
  [{ epochs: 1.5 }, 'epochs is 1.5. Expected a whole number above 0.'],
  [{ epochs: 2, steps: 10 }, 'epochs is 2. Expected nothing beside steps.'],
  [{ accumulate: 0 }, 'accumulate is 0.'],
  [{ maxGradientNorm: -1 }, 'maxGradientNorm is -1.'],
  [{ saveEvery: 0 }, 'saveEvery is 0.'],
  [{ evaluateEvery: 0.5 }, 'evaluateEvery is 0.5.'],
  [{ seed: 0.5 }, 'seed is 0.5.'],
])('%j is refused before anything runs', (options, message) => {
  const { task } = lineTask(rows, [10]);
  expect(() => train({ task, learningRate: 0.1, ...options })).toThrow(message);
});

test('no data is an error', async () => {
  const { task } = lineTask(rows, []);
  expect(() => train({ task, learningRate: 0.1 })).toThrow('Expected at least one batch of data.');
  const { batchCount: _, ...unmeasured } = task;
  await expect(collect(train({ task: unmeasured, learningRate: 0.1, steps: 3 }))).rejects.toMatchObject({
    code: 'NO_BATCHES',
  });
});
