/** How well a language model predicts each text. */
import type { TextLoss } from '@loran/evaluators';
import { LoranError } from '@loran/plugin';
import type { Tensor1D } from '@tensorflow/tfjs-core';
import type { EncodedText } from './encoded-text.js';
import { type ScoredModel, tokenLosses } from './language-model-task.js';
import { type TextBatch, textBatches } from './text-batch.js';

export interface ScoreOptions {
  /** Texts in a batch; default 8. */
  readonly batchSize?: number;
  /** Padded lengths are multiples of this many tokens; default 32. */
  readonly bucketWidth?: number;
  /** Stops between two batches by throwing its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each batch with the texts scored so far, and their tokens without padding. */
  readonly onProgress?: (done: number, all: number, tokens: number) => void;
}

/** The loss of each text, in their order, without dropout; 0 for one without supervised tokens. Throws NON_FINITE, naming the text. */
export function scoreTexts(
  model: ScoredModel,
  texts: readonly EncodedText[],
  { batchSize = 8, bucketWidth = 32, ...options }: ScoreOptions = {},
): Promise<TextLoss[]> {
  const { tokenizer, maxLength } = model;
  const batches = textBatches(texts, tokenizer.padId, { batchSize, seed: 0, bucketWidth, maxLength });
  return scoreBatches(texts, batches, (batch) => tokenLosses(model, batch), options);
}

/** Sums the losses at the places of batches by the text that each belongs to. */
export async function scoreBatches<Batch extends Pick<TextBatch, 'indices' | 'owners' | 'tokens'>>(
  texts: readonly { readonly line?: number }[],
  batches: Iterable<Batch>,
  lossesOf: (batch: Batch) => Tensor1D,
  { signal, onProgress }: Pick<ScoreOptions, 'signal' | 'onProgress'>,
): Promise<TextLoss[]> {
  const sums = texts.map(() => ({ loss: 0, tokens: 0 }));
  let done = 0;
  let tokens = 0;
  onProgress?.(done, texts.length, tokens);
  for (const batch of batches) {
    signal?.throwIfAborted();
    const losses = lossesOf(batch);
    const values = await losses.data<'float32'>();
    losses.dispose();
    batch.owners.forEach((owner, place) => {
      const index = batch.indices[owner]!;
      if (!Number.isFinite(values[place]!)) throw nonFinite(texts[index]!, index);
      sums[index]!.loss += values[place]!;
      sums[index]!.tokens += 1;
    });
    done += batch.indices.length;
    tokens += batch.tokens;
    onProgress?.(done, texts.length, tokens);
  }
  return sums.map(({ loss, tokens }) => ({ loss: tokens === 0 ? 0 : loss / tokens, tokens }));
}

function nonFinite({ line }: { readonly line?: number }, index: number): LoranError {
  return new LoranError(
    'NON_FINITE',
    `The loss of text ${index}${line === undefined ? '' : ` (line ${line})`} is not finite. The weights of the model or the adapter hold NaN or infinite values, or have grown too large.`,
  );
}
