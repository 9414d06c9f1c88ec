/** Continuing texts: causal language modelling on texts, prompts with completions, or conversations. */
import { adapterParameters, type BaseStorage } from '@loran/adapter';
import { collect, type DatasetPlugin, type LanguageExample, readLanguageExamples, split } from '@loran/datasets';
import { loadLanguageModel, type ModelFamily } from '@loran/models';
import { LoranError } from '@loran/plugin';
import { encodeLanguageExamples, languageModelTask, type TrainingTask } from '@loran/trainer';
import type { Lab } from '../lab.js';
import { measureLanguageModel } from '../measure.js';
import type { DataOptions } from '../options.js';
import type { RunTask, TaskData } from './run-task.js';

export const languageModel: RunTask = {
  name: 'language-model',
  output: 'losses',
  defaults: { batchSize: 8, learningRate: 5e-4, maxLength: 512, evaluators: ['perplexity'] },

  async read(lab, data) {
    const train = await readSource(lab, data, data.train, 'train');
    if (data.test !== undefined) return taskData(train, await readSource(lab, data, data.test, 'test'));
    const datasets = lab.plugins<DatasetPlugin>('dataset');
    if (datasets.has(data.train) && datasets.get(data.train).splits.includes('test')) {
      return taskData(train, await readSource(lab, data, data.train, 'test'));
    }
    if (data.testShare === 0) return taskData(train, []);
    if (train.length < 2) {
      throw new LoranError(
        'TOO_FEW_EXAMPLES',
        `'${data.train}' has one example; nothing can be held out of it. Add examples, name test data, or hold nothing out (testShare 0, --test-share 0).`,
      );
    }
    const test = Math.max(1, Math.min(train.length - 1, Math.round(data.testShare * train.length)));
    const parts = split(train, { test, seed: 0 }); // the same for runs of all seeds
    return taskData(parts.train, parts.test);
  },

  async readTest(lab, data) {
    return taskData([], await readSource(lab, data, data.train, 'test'));
  },
};

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

function taskData(train: readonly LanguageExample[], test: readonly LanguageExample[]): TaskData {
  return {
    trainExamples: train.length,
    testExamples: test.length,
    async load(lab, { model: path, base }) {
      const model = await loadLanguageModel(path, {
        base: lab.plugins<BaseStorage>('base-storage').get(base),
        families: lab.plugins<ModelFamily>('model-family'),
      });
      return {
        model,
        modulesToSave: [],
        taskType: 'CAUSAL_LM',
        settled: {},
        async trainingTask(adapter, { batchSize, maxLength, seed, appendEnd }) {
          const examples = await encodeLanguageExamples(train, model, { maxLength, appendEnd: appendEnd ?? true });
          const parameters = adapterParameters(adapter);
          const allowEndless = appendEnd === false; // then it is meant
          const task = languageModelTask({ model, parameters, examples, batchSize, seed, allowEndless });
          return task as TrainingTask<unknown>;
        },
        measure: (options) => measureLanguageModel(model, test, options),
      };
    },
  };
}
