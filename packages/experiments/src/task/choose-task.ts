/** Which task a run is: said by the user, or seen from the data. */
import { type DatasetReader, readerFor } from '@loran/datasets';
import type { Evaluator } from '@loran/evaluators';
import { LoranError } from '@loran/plugin';
import type { Lab } from '../lab.js';
import type { DataOptions } from '../options.js';
import { classification } from './classification.js';
import { languageModel } from './language-model.js';
import type { RunTask, TaskName } from './run-task.js';
import { sequenceToSequence } from './sequence-to-sequence.js';

const tasks: readonly RunTask[] = [classification, languageModel, sequenceToSequence];

/** Throws UNKNOWN_TASK. */
export function taskNamed(name: string): RunTask {
  const found = tasks.find((task) => task.name === name);
  if (found !== undefined) return found;
  throw new LoranError(
    'UNKNOWN_TASK',
    `There is no task '${name}'. Known: ${tasks.map(({ name }) => name).join(', ')}.`,
  );
}

/**
 * The task that fits the data: fields that the options name decide, else those of the first row: 'messages', or 'prompt' and
 * 'completion', or a text without the label field make it a language model's. What no file holds is classification.
 */
export async function taskFor(
  lab: Pick<Lab, 'plugins'>,
  name: TaskName | undefined,
  data: DataOptions,
): Promise<RunTask> {
  if (name !== undefined) return taskNamed(name);
  const { promptField, completionField, messagesField, labelField } = data;
  if (promptField !== undefined || completionField !== undefined || messagesField !== undefined) return languageModel;
  if (labelField !== undefined || lab.plugins('dataset').has(data.train)) return classification;
  for await (const { fields } of readerFor(data.train, lab.plugins<DatasetReader>('dataset-reader')).rows(data.train)) {
    const has = (field: string) => Object.hasOwn(fields, field);
    if (has('label')) return classification;
    return has('messages') || (has('prompt') && has('completion')) || has(data.textField ?? 'text')
      ? languageModel
      : classification;
  }
  return classification;
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
