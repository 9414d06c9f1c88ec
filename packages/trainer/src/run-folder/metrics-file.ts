/** metrics.jsonl: a line for each update, appended as the training goes. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { LoranError } from '@loran/plugin';
import { z } from 'zod';
import type { StepEvent } from '../training-event.js';

export const metricsFileName = 'metrics.jsonl';

const stepMetrics = z.object({
  step: z.number(),
  epoch: z.number(),
  loss: z.number(),
  learningRate: z.number(),
  gradientNorm: z.number(),
  tokens: z.number(),
  tokensPerSecond: z.number(),
  /** Seconds since the start of the training. */
  time: z.number(),
});

export type StepMetrics = z.infer<typeof stepMetrics>;

/** The line of one update. */
export function formatStep(event: StepEvent): string {
  const { step, epoch, loss, learningRate, gradientNorm, tokens, tokensPerSecond, seconds: time } = event;
  return `${JSON.stringify({ step, epoch, loss, learningRate, gradientNorm, tokens, tokensPerSecond, time } satisfies StepMetrics)}\n`;
}

/**
 * The updates recorded in a run's folder. A last line that a killed process left unfinished is passed over; any other that
 * is malformed throws INVALID_METRICS with its number.
 */
export async function readMetrics(folder: string): Promise<StepMetrics[]> {
  const file = path.join(folder, metricsFileName);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new LoranError('RUN_NOT_FOUND', `${file} could not be read. Give the folder that a training wrote.`, {
      cause,
    });
  }
  const whole = text.slice(0, text.lastIndexOf('\n') + 1); // what follows the last newline was cut off
  return whole
    .split('\n')
    .slice(0, -1)
    .map((line, i) => parseStep(line, `${file}:${i + 1}`));
}

function parseStep(line: string, where: string): StepMetrics {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch (cause) {
    throw new LoranError('INVALID_METRICS', `${where}: this is not JSON.`, { cause });
  }
  const result = stepMetrics.safeParse(json);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `field '${issue.path.join('.')}': ${issue.message}`);
  throw new LoranError('INVALID_METRICS', `${where}: ${problems.join('; ')}.`, { cause: result.error });
}
