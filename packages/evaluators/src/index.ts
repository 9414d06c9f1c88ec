export type { BootstrapOptions, Estimate } from './bootstrap.js';
export { builtInEvaluators } from './built-in-evaluators.js';
export { accuracy, f1, macroF1, matthewsCorrelation, microF1, weightedF1 } from './classification.js';
export type { F1Options } from './classification.js';
export { evaluate, pairedDifference } from './evaluate.js';
export type { Evaluation } from './evaluate.js';
export type { Evaluator, Score } from './evaluator.js';
export { perplexity, type TextLoss } from './perplexity.js';
