/** Results as people and as programs read them. */
import type { EvaluationResult, RunResult } from '@loran/experiments';

/** 'accuracy   71.3 % (68.9–73.6), 1,500 examples' for each metric. */
export function metricLines({ metrics, examples }: Pick<EvaluationResult, 'metrics' | 'examples'>): string[] {
  const percent = (value: number) => (100 * value).toFixed(1);
  const width = Math.max(0, ...Object.keys(metrics).map((name) => name.length));
  return Object.entries(metrics).map(
    ([name, { value, low, high }]) =>
      `${name.padEnd(width)}  ${percent(value)} % (${percent(low)}–${percent(high)}), ${examples.toLocaleString('en-US')} examples`,
  );
}

/** What `--json` prints: everything but the predictions. */
export function evaluationJson({
  predictions: _predictions,
  references: _references,
  ...kept
}: EvaluationResult): Omit<EvaluationResult, 'predictions' | 'references'> {
  return kept;
}

export function runJson({
  predictions: _predictions,
  references: _references,
  ...kept
}: RunResult): Omit<RunResult, 'predictions' | 'references'> {
  return kept;
}
