/**
 * What a run does with a model: the kinds of training, behind one interface, so that a run of any kind is loaded, trained,
 * written and measured by the same code.
 */
import type { Adapter, Adaptable } from '@loran/adapter';
import type { Evaluator } from '@loran/evaluators';
import type { ModelSource, Pooling, Tokenizer } from '@loran/models';
import type { TrainingTask } from '@loran/trainer';
import type { BaseChoice } from '../base-choice.js';
import type { Lab } from '../lab.js';
import type { Measurement } from '../measure.js';
import type { DataOptions, taskNames, TrainingOptions } from '../options.js';

export type TaskName = (typeof taskNames)[number];

/** Settings that a task fills in where the user gives none. */
export interface TaskDefaults {
  readonly batchSize: number;
  readonly learningRate: number;
  readonly maxLength: number;
  readonly evaluators: readonly string[];
}

/** The settings of a training with the task's defaults filled in. */
export type SettledTraining = TrainingOptions & Omit<TaskDefaults, 'evaluators'>;

/** A model that can be trained, whatever it computes. */
export interface TaskModel extends Adaptable {
  readonly tokenizer: Tokenizer;
  readonly maxLength: number;
  readonly outputHead: readonly string[];
  readonly targetModules: readonly string[];
  readonly warnings: readonly string[];
  dispose(): void;
}

/** How the model is loaded. */
export interface ModelChoice {
  /** The caller closes its weights. */
  readonly model: ModelSource;
  readonly base: BaseChoice;
  readonly pooling?: Pooling | undefined;
  readonly seed: number;
  /** Whether an adapter will be loaded, with modules of its own that stand in for the checkpoint's. */
  readonly fresh: boolean;
}

/** How examples become numbers, and what is measured. */
export interface MeasureOptions {
  readonly maxLength: number;
  readonly evaluators: readonly Evaluator[];
  readonly appendEnd: boolean;
}

/** A task with its data and its model. */
export interface LoadedTask {
  readonly model: TaskModel;
  /** Modules that are trained whole beside the adapter. */
  readonly modulesToSave: readonly string[];
  /** PEFT's name for what the adapter is for; none where PEFT has no class for the model. */
  readonly taskType?: string;
  /** Settings to write down that the user left to the model. */
  readonly settled: Readonly<Record<string, unknown>>;
  readonly labels?: { readonly labels: readonly string[]; readonly names: readonly string[] };
  /** `bucketWidth`: padded lengths are multiples of it; default 32. */
  trainingTask(
    adapter: Pick<Adapter, 'layers' | 'savedModules'>,
    options: SettledTraining & { readonly seed: number; readonly bucketWidth?: number },
  ): Promise<TrainingTask<unknown>>;
  /** Measures on the test data; without any there are no metrics. */
  measure(options: MeasureOptions): Promise<Measurement>;
}

/** Data of a task that are read already. */
export interface TaskData {
  load(lab: Pick<Lab, 'plugins' | 'container'>, choice: ModelChoice): Promise<LoadedTask>;
}

export interface RunTask {
  readonly name: TaskName;
  /** Which evaluators fit; see Evaluator.of. */
  readonly output: NonNullable<Evaluator['of']>;
  readonly defaults: TaskDefaults;
  /** Training and test data. */
  read(lab: Pick<Lab, 'plugins'>, data: DataOptions): Promise<TaskData>;
  /** Test data alone; `labels` in the order of the classifier, where they are known. */
  readTest(lab: Pick<Lab, 'plugins'>, data: DataOptions, labels?: readonly string[]): Promise<TaskData>;
}
