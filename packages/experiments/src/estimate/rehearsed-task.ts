/** The model of a task with the fullest batch that its options allow: every text as long as the longest. */
import { adapterParameters, type Adapter, type Adaptable, type BaseStorage, fp32 } from '@loran/adapter';
import {
  loadLanguageModel,
  loadSequenceClassifier,
  loadSequenceToSequenceModel,
  type ModelFamily,
  type ModelSource,
} from '@loran/models';
import type { Registry } from '@loran/plugin';
import { classificationTask, languageModelTask, sequenceToSequenceTask, type TrainingTask } from '@loran/trainer';
import type { TaskName } from '../task/run-task.js';
import { sharingWeights } from './shared-weights.js';

export interface RehearsedTask {
  readonly model: Adaptable & { readonly targetModules: readonly string[]; dispose(): void };
  readonly modulesToSave: readonly string[];
  training(adapter: Adapter, batch: { readonly batchSize: number; readonly length: number }): TrainingTask<unknown>;
  /** Tokens of the longest text that it takes. */
  readonly maxLength: number;
}

export interface RehearsedModel {
  readonly source: ModelSource;
  readonly base: BaseStorage;
  readonly families: Registry<ModelFamily>;
  /** Number of labels. */
  readonly labels: number;
}

const someToken = 1;
const text = (length: number): number[] => new Array<number>(length).fill(someToken);

/** The batches of three updates. */
const copies = <T>(batchSize: number, example: (i: number) => T): T[] =>
  Array.from({ length: 3 * batchSize }, (_, i) => example(i));

export const rehearsedTasks: Readonly<Record<TaskName, (model: RehearsedModel) => Promise<RehearsedTask>>> = {
  async classification({ source, base, families, labels: count }) {
    const labels = Array.from({ length: count }, (_, i) => `label ${i}`);
    const kept = sharingWeights(base);
    const classifier = await loadSequenceClassifier(source, { base: kept, families, labels, freshClassifier: true });
    return {
      model: classifier,
      modulesToSave: classifier.headModules,
      maxLength: classifier.maxLength,
      training(adapter, { batchSize, length }) {
        // One of each batch is shorter, so that there is a mask, as there nearly always is.
        const examples = copies(batchSize, (i) => ({ ids: text(length - (i % batchSize === 0 ? 1 : 0)), label: 0 }));
        const parameters = adapterParameters(adapter);
        return classificationTask({ classifier, parameters, examples, batchSize }) as TrainingTask<unknown>;
      },
    };
  },

  async 'language-model'({ source, base, families }) {
    const model = await loadLanguageModel(source, { ...storages(base), families });
    return {
      model,
      modulesToSave: [],
      maxLength: model.maxLength,
      training(adapter, { batchSize, length }) {
        const supervised = text(length).map((_, i) => i > 0);
        const examples = copies(batchSize, () => ({ ids: text(length), supervised, cut: 0 }));
        const parameters = adapterParameters(adapter);
        return languageModelTask({
          model,
          parameters,
          examples,
          batchSize,
          allowEndless: true,
        }) as TrainingTask<unknown>;
      },
    };
  },

  async 'sequence-to-sequence'({ source, base, families }) {
    const model = await loadSequenceToSequenceModel(source, { ...storages(base), families });
    return {
      model,
      modulesToSave: [],
      maxLength: model.maxLength,
      training(adapter, { batchSize, length }) {
        const examples = copies(batchSize, () => ({ inputs: text(length), labels: text(length), cut: 0 }));
        const parameters = adapterParameters(adapter);
        const task = sequenceToSequenceTask({ model, parameters, examples, batchSize, allowEndless: true });
        return task as TrainingTask<unknown>;
      },
    };
  },
};

const storages = (base: BaseStorage) => ({ base: sharingWeights(base), embeddings: sharingWeights(fp32) });
