/** The few statistics of an experiment over seeds. */

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Sample standard deviation (n − 1); 0 for fewer than two values. */
export function standardDeviation(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1));
}

/** Differences seed by seed: the same seeds gave the same data order and the same initial head, so pairs compare best. */
export function pairedDifferences(values: readonly number[], baseline: readonly number[]): number[] {
  return values.map((value, i) => value - (baseline[i] ?? Number.NaN));
}
