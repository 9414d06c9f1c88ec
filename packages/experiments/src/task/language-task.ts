/** What the tasks of language have in common: their data, and that no module is trained whole. */
import { adapterParameters } from '@loran/adapter';
import { collect, type DatasetPlugin, type LanguageExample, readLanguageExamples } from '@loran/datasets';
import type { LanguageModelOptions, Loading, ModelSource } from '@loran/models';
import type { TrainingTask } from '@loran/trainer';
import { withTestData } from '../held-out.js';
import type { Lab } from '../lab.js';
import type { ListenedMeasure, Measurement } from '../measure.js';
import { modelLoading } from '../model-loading.js';
import type { DataOptions } from '../options.js';
import { phaseListeners, type PhaseListeners } from '../phase-progress.js';
import type { RunTask, SettledTraining, TaskData, TaskDefaults, TaskModel, TaskName } from './run-task.js';

/** The numbers of a training, as @loran/trainer takes them. */
export interface LanguageTraining extends Pick<SettledTraining, 'batchSize' | 'maxLength'> {
  readonly progress: PhaseListeners;
  readonly parameters: ReturnType<typeof adapterParameters>;
  readonly seed: number;
  readonly bucketWidth: number;
  readonly appendEnd: boolean;
}

/** One such task, for models of one kind. */
export interface LanguageTask<Model extends TaskModel> {
  readonly name: TaskName;
  /** PEFT's name for what the adapter is for. */
  readonly taskType: string;
  readonly defaults: TaskDefaults;
  load(source: ModelSource, options: LanguageModelOptions & Loading): Promise<Model>;
  trainingTask(
    model: Model,
    examples: readonly LanguageExample[],
    training: LanguageTraining,
  ): Promise<TrainingTask<unknown>>;
  measure(model: Model, examples: readonly LanguageExample[], options: ListenedMeasure): Promise<Measurement>;
}

export function languageTask<Model extends TaskModel>(task: LanguageTask<Model>): RunTask {
  return {
    name: task.name,
    output: 'losses',
    defaults: task.defaults,
    async read(lab, data) {
      const read = (source: string, splitName: string) => readSource(lab, data, source, splitName);
      const train = await read(data.train, 'train');
      const { test, train: kept } = await withTestData(train, data, lab.plugins('dataset'), read);
      return taskData(task, kept, test);
    },
    async readTest(lab, data) {
      return taskData(task, [], await readSource(lab, data, data.train, 'test'));
    },
  };
}

function taskData<Model extends TaskModel>(
  task: LanguageTask<Model>,
  train: readonly LanguageExample[],
  test: readonly LanguageExample[],
): TaskData {
  return {
    async load(lab, { model: source, base }) {
      const progress = phaseListeners(lab);
      const model = await task.load(source, modelLoading(lab, base));
      return {
        model,
        modulesToSave: [],
        taskType: task.taskType,
        settled: {},
        trainingTask: (adapter, { batchSize, maxLength, seed, bucketWidth = 32, appendEnd = true }) => {
          const parameters = adapterParameters(adapter);
          const training = { parameters, batchSize, maxLength, seed, bucketWidth, appendEnd, progress };
          return task.trainingTask(model, train, training);
        },
        measure: (options) => task.measure(model, test, { ...options, progress }),
      };
    },
  };
}

async function readSource(
  lab: Pick<Lab, 'plugins'>,
  { textField, promptField, completionField, messagesField }: DataOptions,
  name: string,
  splitName: string,
): Promise<readonly LanguageExample[]> {
  const datasets = lab.plugins<DatasetPlugin>('dataset');
  if (datasets.has(name)) return (await collect(await datasets.get(name).open(splitName))) as LanguageExample[];
  const { items } = await readLanguageExamples(name, {
    ...(textField === undefined ? {} : { textField }),
    ...(promptField === undefined ? {} : { promptField }),
    ...(completionField === undefined ? {} : { completionField }),
    ...(messagesField === undefined ? {} : { messagesField }),
    readers: lab.plugins('dataset-reader'),
  });
  return items;
}
