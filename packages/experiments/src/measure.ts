import type { LabelMap, TextClassificationExample } from '@loran/datasets';
import type { Evaluation, Evaluator } from '@loran/evaluators';
import type { SequenceClassifier } from '@loran/models';
import { encodeExamples, evaluateClassifier } from '@loran/trainer';

export interface Measurement {
  /** How many examples were measured on. */
  readonly examples: number;
  readonly metrics: Evaluation;
  /** Labels predicted for, and given in, the examples. */
  readonly predictions: readonly string[];
  readonly references: readonly string[];
}

export interface MeasureOptions {
  readonly labels: LabelMap;
  readonly maxLength: number;
  readonly evaluators: readonly Evaluator[];
}

/** Predicts every example and evaluates; without examples there are no metrics. */
export async function measure(
  classifier: SequenceClassifier,
  examples: readonly TextClassificationExample[],
  { labels, maxLength, evaluators }: MeasureOptions,
): Promise<Measurement> {
  if (examples.length === 0) return { examples: 0, metrics: {}, predictions: [], references: [] };
  const encoded = encodeExamples(examples, classifier, { labels, maxLength });
  const { labels: predicted, metrics } = await evaluateClassifier(classifier, encoded, evaluators);
  return {
    examples: examples.length,
    metrics,
    predictions: Array.from(predicted, (index) => labels.label(index)),
    references: examples.map(({ label }) => label),
  };
}
