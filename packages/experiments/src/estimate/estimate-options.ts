/** What an estimate is made of: the options of a run that its memory depends on. */
import { z } from 'zod';
import { baseChoice } from '../base-choice.js';
import { adapterOptions, taskName, trainingOptions } from '../options.js';

/** A run's file of options serves too: what memory does not depend on is passed over. */
export const estimateOptions = z.object({
  model: z
    .string()
    .describe("Folder with a config.json, a GGUF file, or a name on the hub: 'org/name'. No weights are read."),
  task: taskName,
  base: baseChoice.default('fp32').describe('Storage of the frozen weights.'),
  adapter: adapterOptions.prefault({}),
  training: trainingOptions.prefault({}),
  labels: z.int().min(2).default(2).describe('Number of labels of a classifier.'),
  seed: z.int().default(0),
});

export type EstimateOptions = z.input<typeof estimateOptions>;
export type EstimatePlan = z.output<typeof estimateOptions>;
