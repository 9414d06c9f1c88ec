/** Several trained adapters of one model as one new adapter, in a folder of its own. */
import { readdir } from 'node:fs/promises';
import { type AdapterMethod, combineAdapters, combinationTypes, saveAdapter } from '@loran/adapter';
import { LoranError } from '@loran/plugin';
import { z } from 'zod';
import { baseChoice } from '../base-choice.js';
import type { Lab } from '../lab.js';
import { parseOptions } from '../options.js';
import { adaptedSource } from './adapted-source.js';

const combineOptions = z.strictObject({
  model: z.string().describe("A model's folder, a GGUF file, or a name on the hub: 'org/name'."),
  adapters: z.array(z.string()).min(1).describe('Folders of adapters, or names on the hub.'),
  weights: z.array(z.number()).describe('One for each adapter; negative to subtract.'),
  type: z.enum(combinationTypes).default('svd').describe('How they are combined.'),
  density: z.number().optional().describe('Share of values that ties, dare and magnitude_prune keep.'),
  election: z.enum(['total', 'frequency']).optional().describe('How ties and dare_ties elect signs; default total.'),
  rank: z.int().optional().describe('Rank of types that end in svd; default the largest of the adapters.'),
  seed: z.int().default(0).describe("Of dare's random choices."),
  base: baseChoice.optional().describe("Storage of the frozen weights; default: that of the first adapter's training."),
  output: z.string().describe('Folder to write.'),
  overwrite: z.boolean().default(false),
});

export type CombineFoldersOptions = z.input<typeof combineOptions>;

export interface CombineFoldersResult {
  readonly output: string;
  readonly type: string;
  /** The largest share of a module's combined update that cutting it to a rank took. */
  readonly lost: number;
  readonly warnings: readonly string[];
}

/** Throws INVALID_OPTIONS, FOLDER_NOT_EMPTY, and what loading, combineAdapters and saveAdapter do. */
export async function combineFolders(lab: Lab, input: CombineFoldersOptions): Promise<CombineFoldersResult> {
  const { model, adapters, base, output, overwrite, type, ...rest } = parseOptions(combineOptions, input);
  const entries = await readdir(output).catch(() => []);
  if (entries.length > 0 && !overwrite) {
    throw new LoranError('FOLDER_NOT_EMPTY', `'${output}' is not empty. Choose another folder, or overwrite it.`);
  }
  const from = await adaptedSource(lab, { model, adapters, base });
  try {
    const { adapter, lost } = await combineAdapters(from.set, {
      ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)),
      weights: rest.weights,
      adapters: from.adapters.map(({ name }) => name),
      type,
      name: 'the combination',
      methods: lab.plugins<AdapterMethod>('adapter-method').list(),
    });
    const parts = adapters.map((place, i) => `${rest.weights[i]} × \`${place}\``);
    await saveAdapter(adapter, output, {
      baseModel: model,
      ...(from.taskType === undefined ? {} : { taskType: from.taskType }),
      description: `Combined (${type}) from ${parts.join(', ')}.`,
    });
    const loaded = [...from.model.warnings, ...from.adapters.flatMap(({ warnings }) => warnings)];
    return { output, type, lost: Math.max(...lost.values()), warnings: loaded };
  } finally {
    await from.close();
  }
}
