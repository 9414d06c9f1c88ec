/** What the run beside an adapter says of its training. */
import { missingPlugin, readAdapterConfig, readPluginFacts } from '@loran/adapter';
import { LoranError } from '@loran/plugin';
import { readRun, type RunRecord } from '@loran/trainer';
import { z } from 'zod';
import { baseChoice, type BaseChoice, baseName } from './base-choice.js';
import type { Lab } from './lab.js';
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
  const plugins = await readPluginFacts(folder);
  return {
    folder,
    plugins,
    task,
    labels: record.labels?.map(({ label }) => label),
    base,
    pooling,
    maxLength: training?.maxLength,
  };
}

/**
 * The storage of the frozen weights: the one chosen, else that of the adapter's training, else fp32. Throws UNKNOWN_PLUGIN, with the
 * package to install, where the training's is not at hand.
 */
export function baseFor(
  lab: Pick<Lab, 'plugins'>,
  chosen: BaseChoice | undefined,
  trained: Awaited<ReturnType<typeof trainedWith>>,
): BaseChoice {
  const base = chosen ?? trained?.base ?? 'fp32';
  if (chosen !== undefined || trained === undefined || lab.plugins('base-storage').has(baseName(base))) return base;
  const missing = { kind: 'base-storage', name: baseName(base) } as const;
  const error = missingPlugin('UNKNOWN_PLUGIN', trained.folder, trained.plugins, missing);
  if (error !== undefined) throw error;
  return base;
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
