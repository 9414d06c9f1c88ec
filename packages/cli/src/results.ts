/** Results as people and as programs read them. */
import { builtInEvaluators } from '@loran/evaluators';
import type { EvaluationResult, RunResult } from '@loran/experiments';

/** 'accuracy   71.3 % (68.9–73.6), 1,500 examples' for each metric; perplexity as the number that it is. */
export function metricLines({ metrics, examples }: Pick<EvaluationResult, 'metrics' | 'examples'>): string[] {
  const known = builtInEvaluators();
  const width = Math.max(0, ...Object.keys(metrics).map((name) => name.length));
  return Object.entries(metrics).map(([name, { value, low, high }]) => {
    const format = known.has(name) ? known.get(name).format : undefined;
    const shown = format ?? ((share: number) => (100 * share).toFixed(1));
    const unit = format === undefined ? ' %' : '';
    return `${name.padEnd(width)}  ${shown(value)}${unit} (${shown(low)}–${shown(high)}), ${examples.toLocaleString('en-US')} examples`;
  });
}

/** A JSON line for each example: { loss, tokens } of a text, { label, prediction } of a classification. */
export function exampleLines({ predictions, references }: EvaluationResult): string {
  return predictions
    .map((prediction, i) => {
      const line =
        typeof prediction === 'string'
          ? { label: references[i], prediction }
          : { loss: prediction.loss, tokens: prediction.tokens };
      return `${JSON.stringify(line)}\n`;
    })
    .join('');
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
