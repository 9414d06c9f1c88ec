/** Which task a run is: said by the user, or seen from the data. */
import { type DatasetReader, readerFor } from '@loran/datasets';
import type { Evaluator } from '@loran/evaluators';
import { familyOfModel, type ModelFamily } from '@loran/models';
import { LoranError } from '@loran/plugin';
import type { Lab } from '../lab.js';
import type { DataOptions, TrainingOptions } from '../options.js';
import { Services } from '../services.js';
import { writesFromOthers } from '../text-model.js';
import { classification } from './classification.js';
import { languageModel } from './language-model.js';
import type { RunTask, SettledTraining, TaskDefaults, TaskName } from './run-task.js';
import { sequenceToSequence } from './sequence-to-sequence.js';

const tasks: Readonly<Record<TaskName, RunTask>> = {
  classification,
  'language-model': languageModel,
  'sequence-to-sequence': sequenceToSequence,
};

/**
 * The task that fits data and model: fields that the options name decide, else those of the first row. A label makes it
 * classification; messages, a prompt with a completion, or a text alone a language model's, or a sequence-to-sequence
 * model's where the family is one. What no file holds is classification.
 */
export async function taskFor(
  lab: Pick<Lab, 'plugins' | 'container'>,
  name: TaskName | undefined,
  data: DataOptions,
  model: string,
): Promise<RunTask> {
  if (name !== undefined) return tasks[name];
  if (!(await isLanguage(lab, data))) return classification;
  const family = await familyOfModel(model, {
    families: lab.plugins<ModelFamily>('model-family'),
    download: lab.container.get(Services.download),
  });
  return writesFromOthers(family) ? sequenceToSequence : languageModel;
}

async function isLanguage(
  lab: Pick<Lab, 'plugins'>,
  { train, textField, labelField, promptField, completionField, messagesField }: DataOptions,
): Promise<boolean> {
  if (promptField !== undefined || completionField !== undefined || messagesField !== undefined) return true;
  if (labelField !== undefined || lab.plugins('dataset').has(train)) return false;
  for await (const { fields } of readerFor(train, lab.plugins<DatasetReader>('dataset-reader')).rows(train)) {
    const has = (field: string) => Object.hasOwn(fields, field);
    if (has('label')) return false;
    return has('messages') || (has('prompt') && has('completion')) || has(textField ?? 'text');
  }
  return false;
}

/** The evaluators of those names. Throws WRONG_EVALUATOR for one that does not fit the task's output. */
export function evaluatorsFor(
  lab: Pick<Lab, 'plugins'>,
  task: Pick<RunTask, 'name' | 'output'>,
  names: readonly string[],
): Evaluator[] {
  const known = lab.plugins<Evaluator>('evaluator');
  return names.map((name) => {
    const evaluator = known.get(name);
    if ((evaluator.of ?? 'labels') === task.output) return evaluator;
    const fitting = known.list().filter(({ of = 'labels' }) => of === task.output);
    throw new LoranError(
      'WRONG_EVALUATOR',
      `'${name}' measures ${evaluator.of ?? 'labels'}, but the task '${task.name}' gives ${task.output}. Choose from ${fitting.map(({ name }) => name).join(', ')}.`,
    );
  });
}

export const defaultsOf = (task: TaskName): TaskDefaults => tasks[task].defaults;

/** The settings of a training, the task's defaults filled in. */
export function settled(
  options: TrainingOptions,
  { batchSize, learningRate, maxLength }: TaskDefaults,
): SettledTraining {
  return {
    ...options,
    batchSize: options.batchSize ?? batchSize,
    learningRate: options.learningRate ?? learningRate,
    maxLength: options.maxLength ?? maxLength,
  };
}
