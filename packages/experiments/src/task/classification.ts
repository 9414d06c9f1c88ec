/** Sorting texts into labels: a classifier that is trained whole, beside an adapter on the model under it. */
import { adapterParameters } from '@loran/adapter';
import { LabelMap, readTextClassification } from '@loran/datasets';
import { loadSequenceClassifier } from '@loran/models';
import { classificationTask, encodeExamples, type TrainingTask } from '@loran/trainer';
import { measureClassifier } from '../measure.js';
import { modelLoading } from '../model-loading.js';
import { phaseListeners } from '../phase-progress.js';
import { loadTextData, type TextData } from '../text-data.js';
import type { RunTask, TaskData } from './run-task.js';

export const classification: RunTask = {
  name: 'classification',
  output: 'labels',
  defaults: { batchSize: 32, learningRate: 1e-3, maxLength: 128, evaluators: ['accuracy', 'macro-f1'] },

  async read(lab, options) {
    const data = await loadTextData(options, {
      readers: lab.plugins('dataset-reader'),
      datasets: lab.plugins('dataset'),
    });
    return taskData(data, data.labels.labels);
  },

  async readTest(lab, { train: file, textField, labelField }, names) {
    // Labels that only the model knows are checked once it is loaded.
    const known = names === undefined ? undefined : new LabelMap(names, undefined, { order: 'given' });
    const { items, labels } = await readTextClassification(file, {
      ...(textField === undefined ? {} : { textField }),
      ...(labelField === undefined ? {} : { labelField }),
      readers: lab.plugins('dataset-reader'),
      ...(known === undefined ? {} : { labels: known }),
    });
    return taskData({ train: [], test: items, labels }, names);
  },
};

/** `names`: the labels of a new classifier; undefined takes those of the checkpoint's own. */
function taskData(data: TextData, names: readonly string[] | undefined): TaskData {
  return {
    async load(lab, { model, base, pooling, seed, fresh }) {
      const progress = phaseListeners(lab);
      const classifier = await loadSequenceClassifier(model, {
        ...modelLoading(lab, base),
        ...(names === undefined ? {} : { labels: names }),
        freshClassifier: fresh,
        seed,
        ...(pooling === undefined ? {} : { head: pooling }),
      });
      const labels = names === undefined ? new LabelMap(classifier.labels, undefined, { order: 'given' }) : data.labels;
      return {
        model: classifier,
        modulesToSave: classifier.headModules,
        ...(classifier.pooling === 'mean' ? {} : { taskType: 'SEQ_CLS' }),
        settled: { pooling: classifier.pooling },
        labels,
        async trainingTask(adapter, { batchSize, maxLength, seed, bucketWidth = 32 }) {
          const examples = encodeExamples(data.train, classifier, { labels, maxLength, ...progress.tokenise });
          const parameters = adapterParameters(adapter);
          const task = classificationTask({ classifier, parameters, examples, batchSize, seed, bucketWidth });
          return Promise.resolve(task as TrainingTask<unknown>);
        },
        measure: ({ maxLength, evaluators }) =>
          measureClassifier(classifier, data.test, { labels, maxLength, evaluators, progress }),
      };
    },
  };
}
