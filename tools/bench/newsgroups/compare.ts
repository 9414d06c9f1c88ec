/** Two arms on the same posts and seeds: the difference of their accuracies, with its interval. */
import type { Outcome } from './outcome.js';

export interface Difference {
  /** Mean accuracy of the first minus that of the second, over the seeds both have. */
  readonly mean: number;
  /** Half the width of the 95 % interval. */
  readonly margin: number;
  readonly seeds: number;
}

/**
 * For each post the share of seeds that sort it rightly, one arm minus the other; then mean ± 1.96 s/√n over the posts. Posts
 * are the units, since the seeds see the same ones: counting each post once for each seed would make the interval too narrow.
 */
export function pairedDifference(
  ours: readonly Outcome[],
  theirs: readonly Outcome[],
  labels: readonly number[],
): Difference {
  const pairs = ours.flatMap((own) => theirs.filter(({ seed }) => seed === own.seed).map((other) => [own, other]));
  const right = (outcome: Outcome | undefined, i: number) => (outcome?.predictions[i] === labels[i] ? 1 : 0);
  const differences = labels.map(
    (_, i) => pairs.reduce((sum, [own, other]) => sum + right(own, i) - right(other, i), 0) / pairs.length,
  );
  const n = labels.length;
  const mean = differences.reduce((sum, d) => sum + d, 0) / n;
  const variance = differences.reduce((sum, d) => sum + (d - mean) ** 2, 0) / (n - 1);
  return { mean, margin: 1.96 * Math.sqrt(variance / n), seeds: pairs.length };
}
