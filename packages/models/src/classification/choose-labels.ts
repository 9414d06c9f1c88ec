/** Which labels a classifier has, and whether the checkpoint's own classifier serves. */
import { z } from 'zod';
import { listed } from '../checkpoint/locate-tensors.js';
import { parseModelConfig } from '../folder/parse-model-config.js';
import { ModelError } from '../model-error.js';
import type { ModelSource } from '../model-family.js';
import type { Pooling, SequenceClassifierOptions } from '../sequence-classifier.js';

export interface ChosenLabels {
  readonly labels: readonly string[];
  readonly pooling: Pooling;
  /** Whether the classifier is made anew, or read from the checkpoint. */
  readonly fresh: boolean;
  /** Deviation of new weights. */
  readonly deviation: number;
}

/** What a model offers to choose from. */
export interface ClassifierOffer {
  /** The ways that it can pool, its own first. */
  readonly poolings: readonly [Pooling, ...Pooling[]];
  /** Name of the tensor in the checkpoint whose rows are the labels, by pooling. */
  readonly head: (pooling: Pooling) => string;
}

const schema = z.object({
  id2label: z.record(z.string(), z.string()).nullish(),
  classifier_pooling: z.enum(['cls', 'mean', 'last']).nullish(),
  initializer_range: z.number().positive().default(0.02),
});

/**
 * Throws INVALID_LABELS when the labels are missing, repeated, or not those of the checkpoint's classifier, and
 * UNSUPPORTED_TASK for a pooling that the model has not.
 */
export function chooseLabels(
  { name, config: json, weights }: Pick<ModelSource, 'name' | 'config' | 'weights'>,
  { poolings, head }: ClassifierOffer,
  { labels: asked, head: askedPooling, freshClassifier = false }: SequenceClassifierOptions,
): ChosenLabels {
  const config = parseModelConfig(name, 'classifier', schema, json);
  const trained = config.classifier_pooling ?? poolings[0];
  const pooling = askedPooling ?? trained;
  if (!poolings.includes(pooling)) {
    throw new ModelError(
      'UNSUPPORTED_TASK',
      `${name} cannot make one vector of a text by '${pooling}'; it knows ${poolings.map((known) => `'${known}'`).join(' and ')}.`,
    );
  }
  // a classifier trained behind one pooling means nothing behind the other
  const usable = trained === pooling && !freshClassifier;
  const stored = usable ? weights.tensors.get(head(pooling))?.shape[0] : undefined;
  const own = ownLabels(config.id2label, stored);
  const labels = asked ?? own;
  if (labels === undefined) {
    throw new ModelError(
      'INVALID_LABELS',
      `${name} names no labels in id2label. Say which there are: { labels: ['ham', 'spam'] }.`,
    );
  }
  if (labels.length < 2 || new Set(labels).size !== labels.length) {
    throw new ModelError(
      'INVALID_LABELS',
      `A classifier needs at least two different labels; got ${listed(labels.map((label) => JSON.stringify(label)))}.`,
    );
  }
  const chosen = { labels, pooling, deviation: config.initializer_range };
  if (stored === undefined) return { ...chosen, fresh: true };
  if (
    labels.length !== stored ||
    (own !== undefined && !isDefault(own) && own.some((label, i) => label !== labels[i]))
  ) {
    throw new ModelError(
      'INVALID_LABELS',
      `The classifier in ${name} has ${stored} labels (${own === undefined ? 'unnamed' : listed(own)}), but ${labels.length} were asked for (${listed(labels)}). ` +
        'Leave labels out to use it, or set freshClassifier to train a new one.',
    );
  }
  return { ...chosen, fresh: false };
}

function ownLabels(
  id2label: Readonly<Record<string, string>> | null | undefined,
  rows: number | undefined,
): readonly string[] | undefined {
  if (id2label == null) return rows === undefined ? undefined : Array.from({ length: rows }, (_, i) => `LABEL_${i}`);
  const labels = Object.keys(id2label).map((_, i) => id2label[i]);
  return labels.every((label) => label !== undefined) ? labels : undefined;
}

/** transformers' names for labels that nobody named. */
const isDefault = (labels: readonly string[]): boolean => labels.every((label, i) => label === `LABEL_${i}`);
