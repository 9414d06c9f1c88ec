/** One run: a model, its adapter, its data; trained, written and measured. */
import { adapterParameters } from '@loran/adapter';
import type { Evaluator } from '@loran/evaluators';
import { openEngine } from '@loran/tensor';
import {
  adamW,
  classificationTask,
  constantSchedule,
  cosineSchedule,
  encodeExamples,
  linearSchedule,
  RunFolder,
  sgd,
  train,
  type TrainingEvent,
} from '@loran/trainer';
import { type AdaptedModel, adaptedModel } from './adapter-setup.js';
import type { Lab } from './lab.js';
import { measure, type Measurement } from './measure.js';
import { parseOptions, type TrainRun, type TrainRunOptions, trainRunOptions } from './options.js';
import { withPeakMemory } from './peak-memory.js';
import { Services } from './services.js';
import { loadTextData, type TextData } from './text-data.js';

export interface RunHooks {
  /** Hears every event of the training. */
  readonly onEvent?: (event: TrainingEvent) => void;
  /** Ends the training after the step in progress; the adapter is saved. */
  readonly signal?: AbortSignal;
}

export interface RunResult extends Measurement {
  readonly labels: readonly string[];
  readonly parameters: { readonly trainable: number; readonly all: number };
  /** Bytes that the frozen weights take. */
  readonly baseBytes: number;
  /** Mean loss over the last epoch; NaN when the first was not finished. */
  readonly loss: number;
  /** Updates made. */
  readonly steps: number;
  readonly interrupted: boolean;
  /** Tokens trained on in a second, without padding, evaluation and saving. */
  readonly tokensPerSecond: number;
  /** Highest resident set of the process during the run. */
  readonly peakMemoryBytes: number;
  /** From the loading of the model to the last measurement. */
  readonly seconds: number;
  /** Where the run was written. */
  readonly folder?: string;
}

export async function trainRun(lab: Lab, input: TrainRunOptions, hooks: RunHooks = {}): Promise<RunResult> {
  const run = parseOptions(trainRunOptions, input);
  const data = await loadTextData(run.data, {
    readers: lab.plugins('dataset-reader'),
    datasets: lab.plugins('dataset'),
  });
  await openEngine(lab.container.get(Services.engine), lab.container.get(Services.engineOptions));
  return trainOn(lab, run, data, hooks);
}

/** A run on data that are read already, with the engine open. */
export async function trainOn(lab: Lab, run: TrainRun, data: TextData, hooks: RunHooks): Promise<RunResult> {
  const clock = lab.container.get(Services.clock);
  const evaluators = run.evaluators.map((name) => lab.plugins<Evaluator>('evaluator').get(name));
  const started = clock.now();
  const { value, peakBytes } = await withPeakMemory(async () => {
    const model = await adaptedModel(lab, run, data.labels.labels);
    try {
      return await trainAndMeasure(run, data, model, evaluators, hooks);
    } finally {
      model.dispose();
    }
  });
  return { ...value, peakMemoryBytes: peakBytes, seconds: (clock.now() - started) / 1000 };
}

async function trainAndMeasure(
  run: TrainRun,
  data: TextData,
  { classifier, adapters, adapter }: AdaptedModel,
  evaluators: readonly Evaluator[],
  { onEvent, signal }: RunHooks,
): Promise<Omit<RunResult, 'peakMemoryBytes' | 'seconds'>> {
  const { output, seed, training } = run;
  const { batchSize, maxLength, accumulate, learningRate, maxGradientNorm, steps, epochs = 3 } = training;
  const examples = encodeExamples(data.train, classifier, { labels: data.labels, maxLength });
  const { method } = adapter;
  const folder =
    output === undefined
      ? undefined
      : await RunFolder.create(
          output,
          {
            configuration: {
              ...run,
              pooling: classifier.pooling,
              adapter: { ...run.adapter, ...(adapter.config as object) },
            },
            seeds: { training: seed },
            labels: data.labels,
            versions: method.package === null ? {} : { [method.package]: method.version ?? 'unknown' },
          },
          { overwrite: run.overwrite },
        );
  const card = { baseModel: run.model, ...(classifier.pooling === 'cls' ? { taskType: 'SEQ_CLS' } : {}) };
  const events = train({
    task: classificationTask({ classifier, parameters: adapterParameters(adapter), examples, batchSize, seed }),
    learningRate,
    maxGradientNorm,
    accumulate,
    seed,
    optimizer: optimizerOf(run),
    schedule: scheduleOf(run),
    ...(steps === undefined ? { epochs } : { steps }),
    ...(signal === undefined ? {} : { signal }),
    ...(folder === undefined ? {} : { save: () => folder.save(adapter, card) }),
  });

  let loss = Number.NaN;
  let last: TrainingEvent | undefined;
  for await (const event of folder?.follow(events) ?? events) {
    if (event.type === 'epoch') loss = event.loss;
    last = event;
    onEvent?.(event);
  }
  const measured = await measure(classifier, data.test, { labels: data.labels, maxLength, evaluators });
  await folder?.report(measured.metrics);
  return {
    ...measured,
    labels: data.labels.labels,
    parameters: adapters.count(),
    baseBytes: [...classifier.modules().values()].reduce((sum, slot) => sum + slot.byteLength, 0),
    loss,
    steps: last?.step ?? 0,
    interrupted: last?.type === 'interrupted',
    tokensPerSecond: last?.type === 'finished' ? last.tokensPerSecond : Number.NaN,
    ...(output === undefined ? {} : { folder: output }),
  };
}

function optimizerOf({ training: { optimizer, weightDecay } }: TrainRun) {
  return optimizer === 'sgd' ? sgd({ weightDecay }) : adamW({ weightDecay });
}

function scheduleOf({ training: { schedule, warmupSteps } }: TrainRun) {
  switch (schedule) {
    case 'constant':
      return constantSchedule({ warmupSteps });
    case 'cosine':
      return cosineSchedule({ warmupSteps });
    case 'linear':
      return linearSchedule({ warmupSteps });
  }
}
