/** Which labels a classifier has, and whether the checkpoint's own classifier serves. */
import type { TensorFile } from '@loran/formats';
import { listed } from '../checkpoint/locate-tensors.js';
import { ModelError } from '../model-error.js';
import type { Pooling, SequenceClassifierOptions } from '../sequence-classifier.js';
import type { BertConfig } from './config.js';

export interface Classifier {
  readonly labels: readonly string[];
  /** Whether it is made anew, or read from the checkpoint. */
  readonly fresh: boolean;
}

/** Throws INVALID_LABELS when the labels are missing, repeated, or not those of the checkpoint's classifier. */
export function chooseClassifier(
  folder: string,
  config: BertConfig,
  weights: TensorFile,
  pooling: Pooling,
  { labels: asked, freshClassifier = false }: SequenceClassifierOptions,
): Classifier {
  const rows = weights.tensors.get('classifier.weight')?.shape[0];
  // a classifier trained behind one pooling means nothing behind the other
  const stored = rows !== undefined && config.classifier_pooling === pooling && !freshClassifier ? rows : undefined;
  const own = ownLabels(config, stored);
  const labels = asked ?? own;
  if (labels === undefined) {
    throw new ModelError(
      'INVALID_LABELS',
      `${folder} names no labels in id2label. Say which there are: { labels: ['ham', 'spam'] }.`,
    );
  }
  if (labels.length < 2 || new Set(labels).size !== labels.length) {
    throw new ModelError(
      'INVALID_LABELS',
      `A classifier needs at least two different labels; got ${listed(labels.map((label) => JSON.stringify(label)))}.`,
    );
  }
  if (stored === undefined) return { labels, fresh: true };
  if (
    labels.length !== stored ||
    (own !== undefined && !isDefault(own) && own.some((label, i) => label !== labels[i]))
  ) {
    throw new ModelError(
      'INVALID_LABELS',
      `The classifier in ${folder} has ${stored} labels (${own === undefined ? 'unnamed' : listed(own)}), but ${labels.length} were asked for (${listed(labels)}). ` +
        'Leave labels out to use it, or set freshClassifier to train a new one.',
    );
  }
  return { labels, fresh: false };
}

function ownLabels({ id2label }: BertConfig, rows: number | undefined): readonly string[] | undefined {
  if (id2label === undefined)
    return rows === undefined ? undefined : Array.from({ length: rows }, (_, i) => `LABEL_${i}`);
  const labels = Object.keys(id2label).map((_, i) => id2label[i]);
  return labels.every((label) => label !== undefined) ? labels : undefined;
}

/** transformers' names for labels that nobody named. */
const isDefault = (labels: readonly string[]): boolean => labels.every((label, i) => label === `LABEL_${i}`);
