/** Training of a sequence classifier on encoded examples, as a task for `train`. */
import * as tf from '@tensorflow/tfjs-core';
import type { Variable } from '@tensorflow/tfjs-core';
import type { TextClassifier } from './text-classifier.js';
import { LoranError } from '@loran/plugin';
import { type BatchOptions, batchOptions } from '../batch-options.js';
import type { TrainingTask } from '../training-task.js';
import { crossEntropy } from './cross-entropy.js';
import type { EncodedExample } from './encode-examples.js';
import { type ClassificationBatch, classificationBatches, tokenBatch } from './token-batch.js';

export interface ClassificationTaskOptions extends BatchOptions {
  readonly classifier: TextClassifier;
  /** What is trained: `adapterParameters(adapter)`. */
  readonly parameters: ReadonlyMap<string, Variable>;
  readonly examples: readonly EncodedExample[];
}

/**
 * Mean cross-entropy over batches of similar length, in an order given by (seed, epoch). Throws TRAINING_OPTION,
 * NO_EXAMPLES, and INVALID_LABEL for a class that the classifier lacks; a text that is too long is an error of the batches.
 */
export function classificationTask(options: ClassificationTaskOptions): TrainingTask<ClassificationBatch> {
  const { classifier, parameters, examples } = options;
  const batching = batchOptions(options, 32);
  if (examples.length === 0) throw new LoranError('NO_EXAMPLES', 'There are no examples to train on.');
  checkLabels(examples, classifier.labels.length);
  const { maxLength, tokenizer } = classifier;
  return {
    parameters,
    batchCount: Math.ceil(examples.length / batching.batchSize),
    batches: (epoch) => classificationBatches(examples, tokenizer.padId, { ...batching, epoch, maxLength }),
    loss: (batch, pass) =>
      tf.tidy(() => crossEntropy(classifier.logits(tokenBatch(batch), pass), tf.tensor1d(batch.labels, 'int32'))),
    weight: ({ indices }) => indices.length,
    tokens: ({ tokens }) => tokens,
  };
}

function checkLabels(examples: readonly EncodedExample[], classes: number): void {
  const wrong = examples.findIndex(({ label }) => !(Number.isInteger(label) && label >= 0 && label < classes));
  if (wrong < 0) return;
  throw new LoranError(
    'INVALID_LABEL',
    `Example ${wrong} is of class ${examples[wrong]!.label}; this classifier has ${classes} classes, 0 to ${classes - 1}. Make the classifier with the labels of the dataset.`,
  );
}
