/** How well a language model predicts each text. */
import { LoranError } from '@loran/plugin';
import { type EncodedText } from './encoded-text.js';
import { type ScoredModel, tokenLosses } from './language-model-task.js';
import { textBatches } from './text-batch.js';

export interface TextScore {
  /** Mean cross-entropy per supervised token, in nats; 0 where there is none. */
  readonly loss: number;
  /** Supervised tokens. */
  readonly tokens: number;
}

export interface ScoreOptions {
  /** Texts in a batch; default 8. */
  readonly batchSize?: number;
  /** Padded lengths are multiples of this many tokens; default 32. */
  readonly bucketWidth?: number;
  /** Stops between two batches by throwing its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each batch with the texts scored so far. */
  readonly onProgress?: (done: number, all: number) => void;
}

/** The score of each text, in their order, without dropout. Throws NON_FINITE, naming the text. */
export async function scoreTexts(
  model: ScoredModel,
  texts: readonly EncodedText[],
  { batchSize = 8, bucketWidth = 32, signal, onProgress }: ScoreOptions = {},
): Promise<TextScore[]> {
  const sums = texts.map(() => ({ loss: 0, tokens: 0 }));
  const { tokenizer, maxLength } = model;
  let done = 0;
  for (const batch of textBatches(texts, tokenizer.padId, { batchSize, seed: 0, bucketWidth, maxLength })) {
    signal?.throwIfAborted();
    const losses = tokenLosses(model, batch);
    const values = await losses.data<'float32'>();
    losses.dispose();
    batch.owners.forEach((owner, place) => {
      const index = batch.indices[owner]!;
      if (!Number.isFinite(values[place]!)) throw nonFinite(texts[index]!, index);
      sums[index]!.loss += values[place]!;
      sums[index]!.tokens += 1;
    });
    done += batch.indices.length;
    onProgress?.(done, texts.length);
  }
  return sums.map(({ loss, tokens }) => ({ loss: tokens === 0 ? 0 : loss / tokens, tokens }));
}

/** exp of the mean loss over all supervised tokens. */
export function perplexity(scores: readonly TextScore[]): number {
  const tokens = scores.reduce((sum, score) => sum + score.tokens, 0);
  return Math.exp(scores.reduce((sum, { loss, tokens }) => sum + loss * tokens, 0) / tokens);
}

function nonFinite({ line }: EncodedText, index: number): LoranError {
  return new LoranError(
    'NON_FINITE',
    `The loss of text ${index}${line === undefined ? '' : ` (line ${line})`} is not finite. The weights of the model or the adapter hold NaN or infinite values, or have grown too large.`,
  );
}
