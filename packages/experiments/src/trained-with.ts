/** What the run beside an adapter says of its training. */
import { readAdapterConfig } from '@loran/adapter';
import { LoranError } from '@loran/plugin';
import { readRun, type RunRecord } from '@loran/trainer';
import { z } from 'zod';
import { baseChoice } from './base-choice.js';
import { taskNames } from './options.js';

const trainedOptions = z.looseObject({
  task: z.enum(taskNames).optional(),
  base: baseChoice.optional(),
  pooling: z.enum(['cls', 'mean', 'last']).optional(),
  training: z.looseObject({ maxLength: z.int().optional() }).optional(),
});

/** What the run beside the adapter says of it; nothing for an adapter that was trained elsewhere. */
export async function trainedWith(folder: string) {
  await readAdapterConfig(folder); // a folder without an adapter is said to be one first
  const record = await runBeside(folder);
  if (record === undefined) return undefined;
  const { task, base, pooling, training } = trainedOptions.parse(record.configuration);
  return { task, labels: record.labels?.map(({ label }) => label), base, pooling, maxLength: training?.maxLength };
}

/** The record of the run that wrote an adapter; undefined for one that was trained elsewhere. Throws INVALID_RUN. */
export async function runBeside(folder: string): Promise<RunRecord | undefined> {
  try {
    return await readRun(folder);
  } catch (error) {
    if (LoranError.is(error, 'RUN_NOT_FOUND')) return undefined;
    throw error;
  }
}
