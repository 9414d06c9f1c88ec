/** A trained adapter of any method as a LoRA, written for programs that know LoRA only. */
import type { AdapterMethod } from '@loran/adapter';
import { type ReducedLayer, reduceToLora } from '@loran/analysis';
import { z } from 'zod';
import { baseChoice } from '../base-choice.js';
import { adaptedSource, onlyAdapter } from '../export/adapted-source.js';
import { exportFormat } from '../export/export-formats.js';
import type { Lab } from '../lab.js';
import { parseOptions } from '../options.js';
import { phaseListeners } from '../phase-progress.js';
import { given } from './analyse-trained.js';

/** Those of exportFormats that hold adapters. */
export const reducedFormats = ['peft', 'gguf-lora', 'mlx', 'onnx-adapter'] as const;

const reduceOptions = z.strictObject({
  model: z.string().describe("A model's folder, a GGUF file, or a name on the hub: 'org/name'."),
  adapter: z.string().describe('Folder of the adapter, or its name on the hub.'),
  base: baseChoice.optional().describe("Storage of the frozen weights; default: that of the adapter's training."),
  rank: z.int().min(1).optional().describe('Rank of the LoRA; with `energy` the most it may be.'),
  energy: z
    .number()
    .positive()
    .max(1)
    .optional()
    .describe("Share of each update's squared norm to keep: the smallest rank that does."),
  to: z.enum(reducedFormats).default('peft').describe('Format: peft, gguf-lora, mlx, onnx-adapter.'),
  output: z.string().describe('Folder or file to write.'),
  overwrite: z.boolean().default(false).describe('Replace what is there.'),
});

export type ReduceTrainedOptions = z.input<typeof reduceOptions>;

export interface ReduceResult {
  readonly output: string;
  readonly format: string;
  /** ‖ΔW − B·A‖ / ‖ΔW‖ over all layers. */
  readonly error: number;
  readonly layers: readonly ReducedLayer[];
  readonly warnings: readonly string[];
}

/** Throws INVALID_OPTIONS, what loading does, what reduceToLora and the format's writer do; nothing is written then. */
export async function reduceTrained(lab: Lab, input: ReduceTrainedOptions): Promise<ReduceResult> {
  const options = parseOptions(reduceOptions, input);
  const format = exportFormat(options.to, undefined);
  const from = await adaptedSource(lab, { ...options, adapters: [options.adapter], base: options.base });
  try {
    const trained = onlyAdapter(from, format.name);
    const { adapter, error, layers } = await reduceToLora(from.set, trained.name, {
      methods: lab.plugins<AdapterMethod>('adapter-method').list(),
      ...given({ rank: options.rank, energy: options.energy }),
      ...phaseListeners(lab).reduce,
    });
    const warnings = await format.write(
      { ...from, adapters: [adapter] },
      { output: options.output, overwrite: options.overwrite, baseModel: options.model, ...phaseListeners(lab).write },
    );
    const before = [...from.model.warnings, ...trained.warnings];
    return { output: options.output, format: format.name, error, layers, warnings: [...before, ...warnings] };
  } finally {
    await from.close();
  }
}
