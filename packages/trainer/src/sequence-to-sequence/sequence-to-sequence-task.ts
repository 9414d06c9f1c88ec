/** Training of a model that reads one text and writes another, and how well it predicts the texts. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D, Variable } from '@tensorflow/tfjs-core';
import type { Pass } from '@loran/adapter';
import type { TextLoss } from '@loran/evaluators';
import type { SequenceToSequenceModel } from '@loran/models';
import { LoranError } from '@loran/plugin';
import { type ScoreOptions, scoreBatches } from '../language-model/score-texts.js';
import { type BatchOptions, batchOptions } from '../batch-options.js';
import { meanLoss } from '../language-model/language-model-task.js';
import type { TrainingTask } from '../training-task.js';
import type { EncodedPair } from './encode-pairs.js';
import { type PairBatch, pairBatches } from './pair-batch.js';

/** What training and scoring ask of a model. */
export type PairModel = Pick<
  SequenceToSequenceModel,
  'encode' | 'hidden' | 'losses' | 'tokenizer' | 'startId' | 'endIds'
>;

export interface SequenceToSequenceTaskOptions extends BatchOptions {
  readonly model: PairModel;
  /** What is trained: `adapterParameters(adapter)`. */
  readonly parameters: ReadonlyMap<string, Variable>;
  readonly examples: readonly EncodedPair[];
  /** Whether a model may be trained never to end its texts; default no. */
  readonly allowEndless?: boolean;
}

/**
 * Mean cross-entropy over the labels' tokens. Pairs without labels are left out. Throws TRAINING_OPTION, NO_EXAMPLES, and
 * ENDLESS_TEXTS where no example teaches the model to end.
 */
export function sequenceToSequenceTask(options: SequenceToSequenceTaskOptions): TrainingTask<PairBatch> {
  const { model, parameters, allowEndless = false } = options;
  const batching = batchOptions(options, 8);
  const examples = options.examples.filter(({ labels }) => labels.length > 0);
  if (examples.length === 0) {
    throw new LoranError('NO_EXAMPLES', 'There is nothing to learn: no example has a completion.');
  }
  const { endIds } = model;
  if (!allowEndless && endIds.length > 0 && !examples.some(({ labels }) => endIds.includes(labels.at(-1)!))) {
    throw new LoranError(
      'ENDLESS_TEXTS',
      `No example teaches the model to end: none of its end tokens (${endIds.join(', ')}) is ever learned. Append it (appendEnd, --append-eos), raise maxLength where all completions were cut, or allow endless texts (allowEndless, --no-append-eos).`,
    );
  }
  return {
    parameters,
    batchCount: Math.ceil(examples.length / batching.batchSize),
    batches: (epoch) => pairBatches(examples, ids(model), { ...batching, epoch }),
    loss: (batch, pass) => meanLoss(batch, () => pairLosses(model, batch, pass)),
    weight: ({ supervised }) => supervised,
    tokens: ({ tokens }) => tokens,
  };
}

/** The score of each pair's labels, in their order, without dropout. Throws NON_FINITE, naming the pair. */
export function scorePairs(
  model: PairModel,
  pairs: readonly EncodedPair[],
  { batchSize = 8, bucketWidth = 32, ...options }: ScoreOptions = {},
): Promise<TextLoss[]> {
  const batches = pairBatches(pairs, ids(model), { batchSize, seed: 0, bucketWidth });
  return scoreBatches(pairs, batches, (batch) => pairLosses(model, batch), options);
}

const ids = ({ tokenizer: { padId }, startId }: PairModel) => ({ padId, startId });

/** The loss at each place of a batch, filling included. -> [rows] */
function pairLosses(model: PairModel, batch: PairBatch, pass?: Pass): Tensor1D {
  return tf.tidy(() => {
    const int = (values: Int32Array, shape: readonly [number, number]) => tf.tensor2d(values, [...shape], 'int32');
    const { inputShape, writtenShape } = batch;
    const inputs = { ids: int(batch.inputs, inputShape), mask: int(batch.inputMask, inputShape) };
    const encoded = model.encode(inputs, pass);
    const hidden = model.hidden({ ids: int(batch.written, writtenShape) }, encoded, pass); // [batch·length, width]
    const scored = tf.gather(hidden, tf.tensor1d(batch.rows, 'int32')); // [rows, width]
    return model.losses(scored, tf.tensor1d(batch.targets, 'int32'), pass);
  });
}
