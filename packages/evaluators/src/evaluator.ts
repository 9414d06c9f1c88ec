/**
 * An evaluator: one number that says how well predictions match references.
 *
 * It is prepared once with the pairs, and then asked for its value with each pair counted so many times. Counting all pairs once
 * gives the metric; counting them as a resample does gives the bootstrap, without preparing again.
 */
import type { Plugin } from '@loran/plugin';

export interface Evaluator<Prediction = string, Reference = Prediction> extends Plugin {
  readonly kind: 'evaluator';
  /** What it is computed from: labels (default), or the losses of a language model. */
  readonly of?: 'labels' | 'losses';
  /** How a value is shown; default as a percentage. */
  readonly format?: (value: number) => string;
  /** Both arrays are of the same length, above 0, and stay unchanged while the score is in use. */
  prepare(predictions: readonly Prediction[], references: readonly Reference[]): Score;
}

/** The value with pair i counted `counts[i]` times; at least one count is above 0. */
export type Score = (counts: ArrayLike<number>) => number;
