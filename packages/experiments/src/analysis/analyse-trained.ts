/** What a trained adapter does to each weight of its model. */
import { type AdapterAnalysis, analyseAdapter } from '@loran/analysis';
import { z } from 'zod';
import { baseChoice } from '../base-choice.js';
import { adaptedSource, onlyAdapter } from '../export/adapted-source.js';
import type { Lab } from '../lab.js';
import { parseOptions } from '../options.js';
import { phaseListeners } from '../phase-progress.js';

const count = z.int().min(1).optional();

const analyseOptions = z.strictObject({
  model: z.string().describe("A model's folder, a GGUF file, or a name on the hub: 'org/name'."),
  adapter: z.string().describe("Folder of the adapter, PEFT's or mlx-lm's, its name on the hub, or llama.cpp's file."),
  base: baseChoice.optional().describe("Storage of the frozen weights; default: that of the adapter's training."),
  rank: count.describe("The rank to look beyond; default: the adapter's."),
  values: count.describe('Singular values to find of a large layer; default 64.'),
  exactUpTo: count.describe('Up to this smaller side all singular values of a layer are found; default 256.'),
});

export type AnalyseTrainedOptions = z.input<typeof analyseOptions>;

/** Throws INVALID_OPTIONS, and what loading does. */
export async function analyseTrained(lab: Lab, input: AnalyseTrainedOptions): Promise<AdapterAnalysis> {
  const { model, adapter, base, ...options } = parseOptions(analyseOptions, input);
  const from = await adaptedSource(lab, { model, adapters: [adapter], base });
  try {
    const { name } = onlyAdapter(from, 'an analysis');
    return await analyseAdapter(from.set, name, { ...given(options), ...phaseListeners(lab).analyse });
  } finally {
    await from.close();
  }
}

/** Without what was left out. */
export function given<T extends object>(options: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;
}
