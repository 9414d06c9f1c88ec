/** Metrics of predictions with their confidence intervals, and differences between two systems on the same examples. */
import { LoranError, Registry } from '@loran/plugin';
import { bootstrap, groupExamples, type BootstrapOptions, type Estimate } from './bootstrap.js';
import type { Evaluator } from './evaluator.js';

/** Estimates by the evaluator's name: `{ accuracy: { value, low, high }, … }`. */
export type Evaluation = Record<string, Estimate>;

/**
 * Every evaluator's value on `predictions` against `references`, with a bootstrap interval.
 * Throws EVALUATION_LENGTH_MISMATCH, EVALUATION_EMPTY, EVALUATION_OPTION; DUPLICATE_PLUGIN if two evaluators share a name.
 */
export function evaluate<Prediction, Reference>(
  predictions: readonly Prediction[],
  references: readonly Reference[],
  evaluators: readonly Evaluator<Prediction, Reference>[],
  options?: BootstrapOptions,
): Evaluation {
  checkSizes({ predictions, references });
  checkNames(evaluators);
  const cells = groupExamples(references.length, [references, predictions]);
  const scores = evaluators.map((evaluator) =>
    evaluator.prepare(pick(predictions, cells.first), pick(references, cells.first)),
  );
  return named(evaluators, bootstrap(cells, scores, options));
}

/**
 * Every evaluator's value on `predictions` minus its value on `baseline`, on the same examples. Both are resampled together, so
 * the interval is that of the difference: narrower than two intervals suggest, since hard examples are hard for both.
 * An interval that leaves out 0 says that the two differ on examples like these.
 */
export function pairedDifference<Prediction, Reference>(
  predictions: readonly Prediction[],
  baseline: readonly Prediction[],
  references: readonly Reference[],
  evaluators: readonly Evaluator<Prediction, Reference>[],
  options?: BootstrapOptions,
): Evaluation {
  checkSizes({ predictions, baseline, references });
  checkNames(evaluators);
  const cells = groupExamples(references.length, [references, predictions, baseline]);
  const kept = pick(references, cells.first);
  const differences = evaluators.map((evaluator) => {
    const score = evaluator.prepare(pick(predictions, cells.first), kept);
    const baselineScore = evaluator.prepare(pick(baseline, cells.first), kept);
    return (counts: Int32Array) => score(counts) - baselineScore(counts);
  });
  return named(evaluators, bootstrap(cells, differences, options));
}

function pick<T>(values: readonly T[], indices: Int32Array): T[] {
  return Array.from(indices, (index) => values[index]!);
}

function named(evaluators: readonly Evaluator<never, never>[], estimates: readonly Estimate[]): Evaluation {
  return Object.fromEntries(evaluators.map(({ name }, index) => [name, estimates[index]!]));
}

function checkNames(evaluators: readonly Evaluator<never, never>[]): void {
  new Registry('evaluator', evaluators);
}

function checkSizes(columns: Record<string, readonly unknown[]>): void {
  const sizes = Object.entries(columns).map(([name, { length }]) => ({ name, length }));
  const listed = sizes.map(({ name, length }) => `${length} ${name}`).join(' and ');
  if (sizes.some(({ length }) => length !== sizes[0]!.length)) {
    throw new LoranError(
      'EVALUATION_LENGTH_MISMATCH',
      `There are ${listed}. Expected one of each for every example, in the same order.`,
    );
  }
  if (sizes[0]!.length === 0) {
    throw new LoranError(
      'EVALUATION_EMPTY',
      'There is nothing to evaluate: 0 predictions. Expected at least one example.',
    );
  }
}
