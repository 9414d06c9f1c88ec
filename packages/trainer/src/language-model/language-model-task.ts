/** Training of a causal language model on encoded texts, as a task for `train`. */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor1D, Variable } from '@tensorflow/tfjs-core';
import type { Pass } from '@loran/adapter';
import type { LanguageModel } from '@loran/models';
import { LoranError } from '@loran/plugin';
import { type BatchOptions, batchOptions } from '../batch-options.js';
import type { TrainingTask } from '../training-task.js';
import { checkLanguageData } from './check-language-data.js';
import { type EncodedText, supervisedCount } from './encoded-text.js';
import type { SupervisedPlaces } from './supervised-places.js';
import { type TextBatch, textBatches } from './text-batch.js';

/** What training and scoring ask of a model. */
export type ScoredModel = Pick<LanguageModel, 'hidden' | 'losses' | 'tokenizer' | 'maxLength' | 'endIds'>;

export interface LanguageModelTaskOptions extends BatchOptions {
  readonly model: ScoredModel;
  /** What is trained: `adapterParameters(adapter)`. */
  readonly parameters: ReadonlyMap<string, Variable>;
  readonly examples: readonly EncodedText[];
  /** Whether a model may be trained never to end its texts; default no: see checkLanguageData. */
  readonly allowEndless?: boolean;
}

/**
 * Mean cross-entropy over supervised tokens, in batches of similar length, in an order given by (seed, epoch). Texts without
 * any supervised token are left out. Throws TRAINING_OPTION, NO_EXAMPLES, and what `checkLanguageData` finds.
 */
export function languageModelTask(options: LanguageModelTaskOptions): TrainingTask<TextBatch> {
  const { model, parameters, allowEndless = false } = options;
  const batching = batchOptions(options, 8);
  const examples = options.examples.filter((text) => supervisedCount(text) > 0);
  if (examples.length === 0) {
    throw new LoranError('NO_EXAMPLES', 'There is nothing to learn: no example has a supervised token.');
  }
  checkLanguageData(examples, model, { allowEndless });
  const { maxLength, tokenizer } = model;
  return {
    parameters,
    batchCount: Math.ceil(examples.length / batching.batchSize),
    batches: (epoch) => textBatches(examples, tokenizer.padId, { ...batching, epoch, maxLength }),
    loss: (batch, pass) => meanLoss(batch, () => tokenLosses(model, batch, pass)),
    weight: ({ supervised }) => supervised,
    tokens: ({ tokens }) => tokens,
  };
}

/** The mean over the places that are no filling. */
export function meanLoss({ weights, supervised }: SupervisedPlaces, losses: () => Tensor1D): Scalar {
  return tf.tidy(() => {
    const sum = tf.sum(tf.mul(losses(), tf.tensor1d(weights)));
    return tf.mul<Scalar>(sum, tf.scalar(1 / supervised)); // a number of the batch, not of the graph
  });
}

/** The loss at each place of a batch, filling included; the head sees these places alone. -> [rows] */
export function tokenLosses(model: Pick<LanguageModel, 'hidden' | 'losses'>, batch: TextBatch, pass?: Pass): Tensor1D {
  return tf.tidy(() => {
    const hidden = model.hidden({ ids: tf.tensor2d(batch.ids, [...batch.shape], 'int32') }, pass); // [batch·time, width]
    const scored = tf.gather(hidden, tf.tensor1d(batch.rows, 'int32')); // [rows, width]
    return model.losses(scored, tf.tensor1d(batch.targets, 'int32'), pass);
  });
}
