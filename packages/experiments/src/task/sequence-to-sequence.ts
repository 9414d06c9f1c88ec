/** Writing one text from another: T5 and its kind, on prompts with completions. */
import { adapterParameters, type BaseStorage } from '@loran/adapter';
import type { LanguageExample } from '@loran/datasets';
import { loadSequenceToSequenceModel, type ModelFamily } from '@loran/models';
import { encodePairs, sequenceToSequenceTask, type TrainingTask } from '@loran/trainer';
import { measurePairs } from '../measure.js';
import { readLanguageData, readLanguageTest } from './language-data.js';
import type { RunTask, TaskData } from './run-task.js';

export const sequenceToSequence: RunTask = {
  name: 'sequence-to-sequence',
  output: 'losses',
  defaults: { batchSize: 8, learningRate: 1e-3, maxLength: 512, evaluators: ['perplexity'] },

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
      const model = await loadSequenceToSequenceModel(path, {
        base: lab.plugins<BaseStorage>('base-storage').get(base),
        families: lab.plugins<ModelFamily>('model-family'),
      });
      return {
        model,
        modulesToSave: [],
        taskType: 'SEQ_2_SEQ_LM',
        settled: {},
        trainingTask(adapter, { batchSize, maxLength, seed, appendEnd }) {
          const examples = encodePairs(train, model, { maxLength, appendEnd: appendEnd ?? true });
          const parameters = adapterParameters(adapter);
          const allowEndless = appendEnd === false; // then it is meant
          const task = sequenceToSequenceTask({ model, parameters, examples, batchSize, seed, allowEndless });
          return Promise.resolve(task as TrainingTask<unknown>);
        },
        measure: (options) => measurePairs(model, test, options),
      };
    },
  };
}
