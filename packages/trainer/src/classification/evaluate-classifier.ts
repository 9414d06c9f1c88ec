import { evaluate, type BootstrapOptions, type Evaluation, type Evaluator } from '@loran/evaluators';
import type { TextClassifier } from './text-classifier.js';
import type { EncodedExample } from './encode-examples.js';
import { predict, type Predictions, type PredictOptions } from './predict.js';

export interface ClassifierEvaluation extends Predictions {
  /** Each evaluator's value with its interval, by the evaluator's name. */
  readonly metrics: Evaluation;
}

/** Predicts every example and compares label names with those of the examples. Throws what `predict` and `evaluate` do. */
export async function evaluateClassifier(
  classifier: TextClassifier,
  examples: readonly EncodedExample[],
  evaluators: readonly Evaluator[],
  { bootstrap, ...options }: PredictOptions & { readonly bootstrap?: BootstrapOptions } = {},
): Promise<ClassifierEvaluation> {
  const predictions = await predict(classifier, examples, options);
  const name = (label: number) => classifier.labels[label] ?? String(label);
  const predicted = Array.from(predictions.labels, name);
  const references = examples.map(({ label }) => name(label));
  return { ...predictions, metrics: evaluate(predicted, references, evaluators, bootstrap) };
}
