/** One run: a model, its adapter, its data; trained, written and measured. */
import { nonFiniteLayer } from '@loran/adapter';
import type { Evaluator } from '@loran/evaluators';
import type { FetchedModel } from '@loran/models';
import { openEngine } from '@loran/tensor';
import { constantSchedule, cosineSchedule, linearSchedule, RunFolder, train, type TrainingEvent } from '@loran/trainer';
import { type AdaptedModel, adaptedModel } from './adapter-setup.js';
import type { Lab } from './lab.js';
import type { Measurement } from './measure.js';
import { fetched } from './model-loading.js';
import { parseOptions, type TrainRun, type TrainRunOptions, trainRunOptions } from './options.js';
import { optimizerOf } from './optimizer.js';
import { withPeakMemory } from './peak-memory.js';
import { withPreset } from './preset.js';
import { Services } from './services.js';
import { evaluatorsFor, settled, taskFor } from './task/choose-task.js';
import type { RunTask, TaskData, TaskModel, TaskName } from './task/run-task.js';

export interface RunHooks {
  /** Hears every event of the training. */
  readonly onEvent?: (event: TrainingEvent) => void;
  /** Ends the training after the step in progress; the adapter is saved. */
  readonly signal?: AbortSignal;
}

export interface RunResult extends Measurement {
  readonly task: TaskName;
  /** Of a classifier. */
  readonly labels?: readonly string[];
  /** What a user should know about the checkpoint. */
  readonly warnings: readonly string[];
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
  const run = parseOptions(trainRunOptions, withPreset(lab, input));
  const task = await taskFor(lab, run.task, run.data, run.model);
  const data = await task.read(lab, run.data);
  await openEngine(lab.container.get(Services.engine), lab.container.get(Services.engineOptions));
  return trainOn(lab, run, task, data, hooks);
}

/** A run on data that are read already, with the engine open. */
export async function trainOn(
  lab: Lab,
  run: TrainRun,
  task: RunTask,
  data: TaskData,
  hooks: RunHooks,
): Promise<RunResult> {
  const clock = lab.container.get(Services.clock);
  const evaluators = evaluatorsFor(lab, task, run.evaluators ?? task.defaults.evaluators);
  const started = clock.now();
  const { value, peakBytes } = await withPeakMemory(async () => {
    const base = await fetched(lab, run.model);
    const from = run.startFrom === undefined ? {} : { startFrom: (await fetched(lab, run.startFrom)).path };
    const model = await adaptedModel(
      lab,
      { ...run, ...from, model: base.path },
      data,
      settled(run.training, task.defaults),
    );
    try {
      return await trainAndMeasure({ ...run, ...withRevision(base) }, task, model, evaluators, hooks);
    } finally {
      model.dispose();
    }
  });
  return { ...value, peakMemoryBytes: peakBytes, seconds: (clock.now() - started) / 1000 };
}

const withRevision = ({ revision }: FetchedModel) => (revision === undefined ? {} : { revision });

async function trainAndMeasure(
  run: TrainRun & { readonly revision?: string },
  { name, defaults }: RunTask,
  { task, adapters, adapter, ownTokenizer, storage }: AdaptedModel,
  evaluators: readonly Evaluator[],
  { onEvent, signal }: RunHooks,
): Promise<Omit<RunResult, 'peakMemoryBytes' | 'seconds'>> {
  const { output, seed } = run;
  const training = settled(run.training, defaults);
  const { accumulate, learningRate, maxGradientNorm, steps, epochs = 3, maxLength, appendEnd = true } = training;
  const { method } = adapter;
  const folder =
    output === undefined
      ? undefined
      : await RunFolder.create(
          output,
          {
            configuration: {
              ...run,
              ...task.settled,
              task: name,
              training: { ...run.training, batchSize: training.batchSize, learningRate, maxLength },
              evaluators: evaluators.map((evaluator) => evaluator.name),
              adapter: { ...run.adapter, ...(adapter.config as object) },
            },
            seeds: { training: seed },
            ...(ownTokenizer ? { tokenizer: task.model.tokenizer } : {}),
            ...(task.labels === undefined ? {} : { labels: task.labels }),
            versions: method.package === null ? {} : { [method.package]: method.version ?? 'unknown' },
          },
          { overwrite: run.overwrite },
        );
  const card = {
    baseModel: run.model,
    plugins: [storage],
    ...(run.revision === undefined ? {} : { revision: run.revision }),
    ...(task.taskType === undefined ? {} : { taskType: task.taskType }),
    ...(ownTokenizer ? { description: resizedNote(task.model) } : {}),
  };
  const events = train({
    task: { ...(await task.trainingTask(adapter, { ...training, seed })), examine: () => nonFiniteLayer(adapter) },
    learningRate,
    maxGradientNorm,
    accumulate,
    seed,
    optimizer: optimizerOf(training),
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
  const measured = await task.measure({ maxLength, evaluators, appendEnd });
  await folder?.report(measured.metrics);
  return {
    ...measured,
    task: name,
    ...(task.labels === undefined ? {} : { labels: task.labels.labels }),
    warnings: [...task.model.warnings, ...adapter.warnings],
    parameters: adapters.count(),
    baseBytes: [...task.model.modules().values()].reduce((sum, slot) => sum + slot.byteLength, 0),
    loss,
    steps: last?.step ?? 0,
    interrupted: last?.type === 'interrupted',
    tokensPerSecond: last?.type === 'finished' ? last.tokensPerSecond : Number.NaN,
    ...(output === undefined ? {} : { folder: output }),
  };
}

/** For the model card: what PEFT must be told before it reads an adapter of another vocabulary. */
function resizedNote(model: TaskModel): string {
  const rows = [...model.modules().values()].find(({ frozen }) => frozen.kind === 'embedding')?.frozen.rows;
  return `Trained with loran, with added tokens: take the tokenizer from this folder. Before PEFT reads the adapter, the base needs ${rows} rows: \`model.resize_token_embeddings(${rows})\`.`;
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
