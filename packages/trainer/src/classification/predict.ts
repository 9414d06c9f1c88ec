/** What a classifier says of encoded texts. */
import * as tf from '@tensorflow/tfjs-core';
import type { TextClassifier } from './text-classifier.js';
import { LoranError } from '@loran/plugin';
import { classificationBatches, tokenBatch } from './token-batch.js';
import type { EncodedExample } from './encode-examples.js';

export interface PredictOptions {
  /** Texts in a batch; default 64. */
  readonly batchSize?: number;
  /** Padded lengths are multiples of this many tokens; default 32. */
  readonly bucketWidth?: number;
  /** Stops between two batches by throwing its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each batch with the texts predicted so far, and their tokens without padding. */
  readonly onProgress?: (done: number, all: number, tokens: number) => void;
}

/** In the order of the examples. */
export interface Predictions {
  /** The class of the highest score. */
  readonly labels: Int32Array; // [examples]
  readonly logits: Float32Array; // [examples, classes]
  /** Softmax of the scores. */
  readonly probabilities: Float32Array; // [examples, classes]
  readonly classes: number;
}

/** Runs the classifier over all examples, without dropout. Throws NON_FINITE, naming the example. */
export async function predict(
  classifier: TextClassifier,
  examples: readonly Pick<EncodedExample, 'ids'>[],
  { batchSize = 64, bucketWidth = 32, signal, onProgress }: PredictOptions = {},
): Promise<Predictions> {
  const classes = classifier.labels.length;
  const logits = new Float32Array(examples.length * classes);
  const texts = examples.map(({ ids }) => ({ ids, label: 0 }));
  const { tokenizer, maxLength } = classifier;
  let done = 0;
  let tokens = 0;
  onProgress?.(done, texts.length, tokens);
  for (const batch of classificationBatches(texts, tokenizer.padId, { batchSize, seed: 0, bucketWidth, maxLength })) {
    signal?.throwIfAborted();
    const scores = tf.tidy(() => classifier.logits(tokenBatch(batch))); // [batch, classes]
    const values = await scores.data<'float32'>();
    scores.dispose();
    batch.indices.forEach((index, row) => {
      logits.set(values.subarray(row * classes, (row + 1) * classes), index * classes);
    });
    done += batch.indices.length;
    tokens += batch.tokens;
    onProgress?.(done, texts.length, tokens);
  }
  const labels = new Int32Array(examples.length);
  const probabilities = new Float32Array(logits.length);
  for (let i = 0; i < examples.length; i++) {
    const row = logits.subarray(i * classes, (i + 1) * classes);
    if (!row.every(Number.isFinite)) throw nonFinite(i);
    const highest = Math.max(...row);
    labels[i] = row.indexOf(highest);
    const exponentials = Array.from(row, (score) => Math.exp(score - highest));
    const sum = exponentials.reduce((all, value) => all + value, 0);
    probabilities.set(
      exponentials.map((value) => value / sum),
      i * classes,
    );
  }
  return { labels, logits, probabilities, classes };
}

function nonFinite(index: number): LoranError {
  return new LoranError(
    'NON_FINITE',
    `The scores of example ${index} are not finite. The adapter or the model holds bad values; look at the run that made them.`,
  );
}
