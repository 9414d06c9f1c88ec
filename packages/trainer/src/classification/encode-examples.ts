/** Texts and labels as the numbers that a classifier works on. */
import type { LabelMap, TextClassificationExample } from '@loran/datasets';
import type { TextClassifier } from './text-classifier.js';

export interface EncodedExample {
  /** Token ids with the model's special tokens, not padded. */
  readonly ids: ArrayLike<number>;
  /** Index of the class. */
  readonly label: number;
}

export interface EncodeOptions {
  /** Class of each label, in the order of the classifier's outputs. */
  readonly labels: LabelMap;
  /** Longer texts lose their end; default the model's positions. */
  readonly maxLength?: number;
  /** Called with the examples encoded so far. */
  readonly onProgress?: (done: number, all: number) => void;
}

/** Throws DATASET_UNKNOWN_LABEL for a label that `labels` lacks. */
export function encodeExamples(
  examples: readonly TextClassificationExample[],
  { tokenizer, maxLength: positions }: Pick<TextClassifier, 'tokenizer' | 'maxLength'>,
  { labels, maxLength = positions, onProgress }: EncodeOptions,
): EncodedExample[] {
  const classes = examples.map(({ label }) => labels.index(label));
  const longest = Math.min(maxLength, positions);
  onProgress?.(0, examples.length);
  return examples.map(({ text }, i) => {
    const ids = tokenizer.encode([text], { maxLength: longest })[0] ?? [];
    onProgress?.(i + 1, examples.length);
    return { ids, label: classes[i]! };
  });
}
