import type { Optimizer } from './optimizer/optimizer.js';
import { adamW } from './optimizer/adamw.js';
import { constantSchedule, type Schedule } from './schedule.js';
import { requireCount, requireOption } from './training-option-error.js';
import type { Metrics } from './training-event.js';
import type { TrainingTask } from './training-task.js';

export interface TrainOptions<Batch> {
  readonly task: TrainingTask<Batch>;
  /** Peak learning rate; the schedule scales it. */
  readonly learningRate: number;
  /** Default `adamW()`. It is started and disposed by the training. */
  readonly optimizer?: Optimizer;
  /** Default `constantSchedule()`. */
  readonly schedule?: Schedule;
  /** Times to go through the data; default 3. */
  readonly epochs?: number;
  /** Updates to make, instead of `epochs`: the data are gone through as often as that takes. */
  readonly steps?: number;
  /** Batches in one update, their gradients averaged by examples as in one large batch; default 1. */
  readonly accumulate?: number;
  /** Gradients are scaled down to this global norm where they exceed it; default: never. */
  readonly maxGradientNorm?: number;
  /** Seed of dropout; default 0. Each step's numbers follow from (seed, step) alone. */
  readonly seed?: number;
  /** When it aborts, the step in progress is finished, the adapter saved, and the training ends with 'interrupted'. */
  readonly signal?: AbortSignal;
  /** Measures the model as it is; may stop when `signal` aborts. */
  readonly evaluate?: (signal: AbortSignal | undefined) => Promise<Metrics>;
  /** After each epoch and at the end (default), or each time so many steps are done. */
  readonly evaluateEvery?: 'epoch' | number;
  /** Writes the adapter; may say where. Called at the end, on interruption, and before a NON_FINITE_LOSS is thrown. */
  readonly save?: () => Promise<string | undefined>;
  /** Saves besides after each epoch, or each time so many steps are done; default: at the end only. */
  readonly saveEvery?: 'epoch' | number;
}

/** The options with their defaults, checked; `steps` is the length of the training. */
export interface TrainPlan<Batch> extends TrainOptions<Batch> {
  readonly optimizer: Optimizer;
  readonly schedule: Schedule;
  readonly steps: number;
  readonly accumulate: number;
  readonly seed: number;
  readonly evaluateEvery: 'epoch' | number;
}

/** Throws TRAINING_OPTION, which names the setting. */
export function planTraining<Batch>(options: TrainOptions<Batch>): TrainPlan<Batch> {
  const { task, learningRate, epochs, steps, accumulate = 1, maxGradientNorm, seed = 0 } = options;
  const { evaluateEvery = 'epoch', saveEvery } = options;
  requireOption('learningRate', learningRate, learningRate > 0 && Number.isFinite(learningRate), 'a number above 0');
  requireOption('seed', seed, Number.isSafeInteger(seed), 'a whole number');
  requireCount('accumulate', accumulate);
  if (maxGradientNorm !== undefined)
    requireOption('maxGradientNorm', maxGradientNorm, maxGradientNorm > 0, 'a number above 0');
  if (evaluateEvery !== 'epoch') requireCount('evaluateEvery', evaluateEvery);
  if (saveEvery !== undefined && saveEvery !== 'epoch') requireCount('saveEvery', saveEvery);
  requireOption('task.parameters', 'empty', task.parameters.size > 0, 'at least one parameter to train');
  requireOption('task.batchCount', task.batchCount, task.batchCount !== 0, 'at least one batch of data');
  return {
    ...options,
    ...length(task, epochs, steps, accumulate),
    optimizer: options.optimizer ?? adamW(),
    schedule: options.schedule ?? constantSchedule(),
    accumulate,
    seed,
    evaluateEvery,
  };
}

function length(
  { batchCount }: Pick<TrainingTask<unknown>, 'batchCount'>,
  epochs: number | undefined,
  steps: number | undefined,
  accumulate: number,
): { steps: number; epochs?: number } {
  if (steps !== undefined) {
    requireCount('steps', steps);
    requireOption('epochs', epochs, epochs === undefined, 'nothing beside steps');
    return { steps };
  }
  const times = epochs ?? 3;
  requireCount('epochs', times);
  if (batchCount === undefined) {
    requireOption('steps', steps, false, 'a number: this task does not say how many batches an epoch has');
    return { steps: 0 };
  }
  return { steps: times * Math.ceil(batchCount / accumulate), epochs: times };
}
