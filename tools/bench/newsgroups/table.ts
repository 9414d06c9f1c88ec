/** The outcomes as lines of text. */
import { type Difference } from './compare.js';
import type { Outcome } from './outcome.js';

export function table(outcomes: readonly Outcome[]): string {
  const header = ['method', 'seed', 'accuracy by epoch', 'loss', 'tokens/s', 's/step', 'peak MiB', 'trainable'];
  const rows = outcomes.map(({ method, seed, epochs, tokens, seconds, medianStep, peakResidentBytes, trainable }) => [
    method,
    String(seed),
    epochs.map(({ accuracy }) => percent(accuracy)).join(' '),
    epochs.at(-1)?.loss.toFixed(3) ?? '',
    (tokens / seconds).toFixed(0),
    medianStep.toFixed(2),
    (peakResidentBytes / 2 ** 20).toFixed(0),
    trainable.toLocaleString('en-US'),
  ]);
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  return [header, ...rows].map((row) => row.map((cell, i) => cell.padEnd(widths[i]!)).join('  ')).join('\n');
}

export function comparison(
  name: string,
  difference: Difference,
  ours: readonly Outcome[],
  peft: readonly Outcome[],
): string {
  const { mean, margin, seeds } = difference;
  const verdict = mean + margin < 0 ? 'below PEFT' : 'not below PEFT';
  const rate = (arm: readonly Outcome[]) =>
    arm.reduce((sum, { tokens }) => sum + tokens, 0) / arm.reduce((sum, { seconds }) => sum + seconds, 0);
  const peak = (arm: readonly Outcome[]) => Math.max(...arm.map(({ peakResidentBytes }) => peakResidentBytes));
  return (
    `${name} - PEFT LoRA: ${points(mean)} ± ${(100 * margin).toFixed(1)} points (95 %, paired over the posts, ${seeds} seeds): ${verdict}; ` +
    `tokens/s ${(rate(ours) / rate(peft)).toFixed(2)} times PEFT's, peak memory ${(peak(ours) / peak(peft)).toFixed(2)} times`
  );
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const points = (share: number) => `${share < 0 ? '-' : '+'}${(100 * Math.abs(share)).toFixed(1)}`;
