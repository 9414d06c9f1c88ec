/** Continuing texts: causal language modelling on texts, prompts with completions, or conversations. */
import { adapterParameters, type BaseStorage } from '@loran/adapter';
import type { LanguageExample } from '@loran/datasets';
import { loadLanguageModel, type ModelFamily } from '@loran/models';
import { encodeLanguageExamples, languageModelTask, type TrainingTask } from '@loran/trainer';
import { measureLanguageModel } from '../measure.js';
import { readLanguageData, readLanguageTest } from './language-data.js';
import type { RunTask, TaskData } from './run-task.js';

export const languageModel: RunTask = {
  name: 'language-model',
  output: 'losses',
  defaults: { batchSize: 8, learningRate: 5e-4, maxLength: 512, evaluators: ['perplexity'] },

  async read(lab, data) {
    const { train, test } = await readLanguageData(lab, data);
    return taskData(train, test);
  },

  async readTest(lab, data) {
    return taskData([], await readLanguageTest(lab, data));
  },
};

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
