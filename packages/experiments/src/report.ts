/** The result of an experiment: every run, and what they say of each arm. */
import { type Estimate, type Evaluator, pairedDifference } from '@loran/evaluators';
import type { RunResult } from './train-run.js';
import { mean, pairedDifferences, standardDeviation } from './statistics.js';
import { textTable } from './text-table.js';

export interface ArmRun extends RunResult {
  readonly arm: string;
  readonly seed: number;
}

export interface MetricSummary {
  /** One value a seed. */
  readonly values: readonly number[];
  readonly mean: number;
  /** Sample standard deviation over the seeds; 0 for one seed. */
  readonly standardDeviation: number;
  /** Bootstrap interval over the test examples, averaged over the seeds. */
  readonly low: number;
  readonly high: number;
  /** Mean difference to the baseline over the same seeds; absent for the baseline itself. */
  readonly difference?: Estimate & { readonly values: readonly number[] };
}

export interface ArmSummary {
  readonly arm: string;
  readonly runs: readonly ArmRun[];
  readonly metrics: Readonly<Record<string, MetricSummary>>;
}

export interface Report {
  readonly baseline: string;
  readonly arms: readonly ArmSummary[];
  /** The arms side by side, as text for a terminal. */
  table(): string;
  /** What a file keeps: every number, no predictions. */
  toJSON(): unknown;
}

export function report(runs: readonly ArmRun[], baseline: string, evaluators: readonly Evaluator[]): Report {
  const of = (arm: string) => runs.filter((run) => run.arm === arm);
  const names = [...new Set(runs.map(({ arm }) => arm))];
  const arms = names.map((arm) => ({
    arm,
    runs: of(arm),
    metrics: Object.fromEntries(
      evaluators.map((evaluator) => [
        evaluator.name,
        summarise(evaluator, of(arm), arm === baseline ? undefined : of(baseline)),
      ]),
    ),
  }));
  return {
    baseline,
    arms,
    table: () => table(arms, evaluators),
    toJSON: () => ({ baseline, arms: arms.map(withoutPredictions) }),
  };
}

function summarise(
  evaluator: Evaluator,
  runs: readonly ArmRun[],
  baseline: readonly ArmRun[] | undefined,
): MetricSummary {
  const estimates = runs.map(({ metrics }) => metrics[evaluator.name]).filter((estimate) => estimate !== undefined);
  const values = estimates.map(({ value }) => value);
  return {
    values,
    mean: mean(values),
    standardDeviation: standardDeviation(values),
    low: mean(estimates.map(({ low }) => low)),
    high: mean(estimates.map(({ high }) => high)),
    ...(baseline === undefined ? {} : { difference: difference(evaluator, runs, baseline) }),
  };
}

/**
 * Seed by seed, both arms on the same examples; the interval is the mean of the paired bootstrap intervals: it speaks of the
 * test examples, the values of the seeds.
 */
function difference(evaluator: Evaluator, runs: readonly ArmRun[], baseline: readonly ArmRun[]) {
  const estimates = runs.flatMap((run) => {
    const other = baseline.find(({ seed }) => seed === run.seed);
    if (other === undefined || run.references.length === 0) return [];
    const paired = pairedDifference<unknown, unknown>(run.predictions, other.predictions, run.references, [
      evaluator as Evaluator<unknown, unknown>,
    ]);
    return paired[evaluator.name] ?? [];
  });
  const value = (run: ArmRun) => run.metrics[evaluator.name]?.value ?? Number.NaN;
  const aligned = baseline.filter(({ seed }) => runs.some((run) => run.seed === seed));
  return {
    value: mean(estimates.map((estimate) => estimate.value)),
    low: mean(estimates.map(({ low }) => low)),
    high: mean(estimates.map(({ high }) => high)),
    values: pairedDifferences(runs.map(value), aligned.map(value)),
  };
}

function table(arms: readonly ArmSummary[], evaluators: readonly Evaluator[]): string {
  const formatOf = (name: string) => evaluators.find((evaluator) => evaluator.name === name)?.format;
  const metrics = Object.keys(arms[0]?.metrics ?? {});
  const severalSeeds = arms.some(({ runs }) => runs.length > 1);
  const header = [
    'arm',
    ...metrics.flatMap((name) => [name, severalSeeds ? '± seeds' : '95 % interval', 'Δ']),
    'trainable',
    'tokens/s',
    'peak memory',
    'seconds',
  ];
  return textTable(
    header,
    arms.map(({ arm, runs, metrics: summaries }) => [
      arm,
      ...metrics.flatMap((name) => metricCells(summaries[name], severalSeeds, formatOf(name))),
      (runs[0]?.parameters.trainable ?? 0).toLocaleString('en-US'),
      Math.round(mean(runs.map(({ tokensPerSecond }) => tokensPerSecond))).toLocaleString('en-US'),
      `${Math.round(Math.max(...runs.map(({ peakMemoryBytes }) => peakMemoryBytes)) / 1e6).toLocaleString('en-US')} MB`,
      mean(runs.map(({ seconds }) => seconds)).toFixed(1),
    ]),
  );
}

function metricCells(
  summary: MetricSummary | undefined,
  severalSeeds: boolean,
  format: (value: number) => string = (value) => (100 * value).toFixed(1),
): string[] {
  if (summary === undefined || summary.values.length === 0) return ['–', '–', '–'];
  const signed = (value: number) => `${value < 0 ? '−' : '+'}${format(Math.abs(value))}`;
  return [
    format(summary.mean),
    severalSeeds ? format(summary.standardDeviation) : `${format(summary.low)}–${format(summary.high)}`,
    summary.difference === undefined ? '' : signed(summary.difference.value),
  ];
}

function withoutPredictions({ arm, runs, metrics }: ArmSummary) {
  return { arm, metrics, runs: runs.map(({ predictions: _p, references: _r, ...kept }) => kept) };
}
