/** The comparison as lines of text. */
import { median } from '../step/median.js';
import type { StepTime } from './training.js';

export interface Row {
  readonly name: string;
  readonly reference: string;
  /** Its steps, one a round. */
  readonly steps: readonly StepTime[];
  /** At most, of a process that does this arm alone; undefined where it was not measured. */
  readonly peakResidentBytes: number | undefined;
}

/** Medians, and medians of the ratios to the reference of the same round. */
export function table(base: string, rows: readonly Row[]): string {
  const width = Math.max(...rows.map(({ name }) => name.length));
  const head = ['step', 'ratio', 'processor time', 'ratio', 'peak memory'].map((title) => title.padStart(16));
  const lines = rows.map(({ name, reference, steps, peakResidentBytes }) => {
    const other = rows.find((row) => row.name === reference)?.steps ?? [];
    const figures = (['wall', 'processor'] as const).flatMap((kind) => [
      `${median(steps.map((step) => step[kind])).toFixed(0)} ms`,
      median(steps.map((step, round) => step[kind] / (other[round]?.[kind] ?? NaN))).toFixed(3),
    ]);
    const memory = peakResidentBytes === undefined ? '' : `${(peakResidentBytes / 2 ** 20).toFixed(0)} MiB`;
    return [name.padEnd(width), ...[...figures, memory].map((figure) => figure.padStart(16))].join('');
  });
  return [base.padEnd(width) + head.join(''), ...lines].join('\n');
}
