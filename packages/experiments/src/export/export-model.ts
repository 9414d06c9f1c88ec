/** Writes a model, with adapters merged in, or an adapter, in another format. */
import { z } from 'zod';
import { type BaseChoice, baseChoice } from '../base-choice.js';
import type { Lab } from '../lab.js';
import { parseOptions, targetModules } from '../options.js';
import { phaseListeners } from '../phase-progress.js';
import { type AdaptedSource, adaptedSource } from './adapted-source.js';
import { exportFormat } from './export-formats.js';

const exportOptions = z.strictObject({
  model: z.string().describe("A model's folder, a GGUF file, or a name on the hub: 'org/name'."),
  adapters: z
    .array(z.string())
    .default([])
    .describe("Folders of adapters, PEFT's or mlx-lm's, names on the hub, or .gguf files of llama.cpp's."),
  base: baseChoice.optional().describe("Storage of the frozen weights; default: that of the adapter's training."),
  to: z
    .string()
    .default('hf')
    .describe('Format: hf, bnb-nf4, bnb-fp4, gguf, gguf-lora, onnx, onnx-adapter, mlx, peft, mlora.'),
  output: z.string().describe('Folder or file to write.'),
  dtype: z
    .string()
    .transform((name) => name.toUpperCase())
    .optional()
    .describe("Type of the numbers; default: the checkpoint's own, in GGUF F16, in ONNX F32."),
  maxShardBytes: z.number().positive().optional(),
  adapterInputs: targetModules
    .optional()
    .describe('Of ONNX: modules that get inputs for an adapter, to be filled by .onnx_adapter files.'),
  adapterInputsRequired: z
    .boolean()
    .optional()
    .describe('Of ONNX: whether those inputs must be given; onnxruntime-node fills no others. Default: not.'),
  overwrite: z.boolean().default(false),
});

export type ExportModelOptions = z.input<typeof exportOptions>;

export interface ExportResult {
  readonly output: string;
  readonly format: string;
  /** What a user should know: what was lost, and how much. */
  readonly warnings: readonly string[];
}

/** Throws INVALID_OPTIONS, UNKNOWN_FORMAT, FORMAT_DTYPE, FORMAT_BASE, NO_ADAPTER, and what loading and writing do. */
export async function exportModel(lab: Lab, input: ExportModelOptions): Promise<ExportResult> {
  const options = parseOptions(exportOptions, input);
  const format = exportFormat(options.to, options.dtype); // named before the model is read
  const from = await adaptedSource(lab, { ...options, onlyBase: format.base });
  try {
    const warnings = await format.write(from, {
      ...options,
      baseModel: options.model,
      ...phaseListeners(lab).write,
    });
    const loaded = [
      ...keptAsTheyCame(from, options.base),
      ...from.model.warnings,
      ...from.adapters.flatMap((adapter) => adapter.warnings),
    ];
    return { output: options.output, format: format.name, warnings: [...loaded, ...warnings] };
  } finally {
    await from.close();
  }
}

/** Options of a storage concern what it quantises; what the checkpoint holds quantised already stays so. */
function keptAsTheyCame({ model, storage }: AdaptedSource, base: BaseChoice | undefined): string[] {
  if (base === undefined || typeof base === 'string') return [];
  const came = [...model.modules()].filter(
    ([path, { frozen }]) => frozen.storage === storage.name && model.original?.(path) === undefined,
  );
  if (came.length === 0) return [];
  return [
    `${came.length} layers, ${came[0]?.[0] ?? ''} the first, came in ${storage.name} and stay as they are; start from the unquantised model for other options.`,
  ];
}
