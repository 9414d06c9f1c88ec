import { Registry } from '@loran/plugin';
import { accuracy, macroF1, matthewsCorrelation, microF1, weightedF1 } from './classification.js';
import type { Evaluator } from './evaluator.js';
import { perplexity } from './perplexity.js';

/** A new registry with the evaluators of this package by name: accuracy, macro-f1, micro-f1, weighted-f1, mcc, perplexity. */
export function builtInEvaluators(): Registry<Evaluator> {
  return new Registry<Evaluator>('evaluator', [
    ...[accuracy, macroF1, microF1, weightedF1, matthewsCorrelation],
    perplexity as Evaluator<never, never> as Evaluator,
  ]);
}
