/** What a model or an adapter can be written as. */
import { type Adapter, saveAdapter, saveMlxAdapter } from '@loran/adapter';
import {
  saveGguf,
  saveGgufAdapter,
  type SaveGgufAdapterOptions,
  type SaveGgufOptions,
  saveMergedModel,
  type SaveMergedModelOptions,
  saveOnnx,
  saveOnnxAdapter,
  type SaveOnnxOptions,
} from '@loran/models';
import { LoranError, nearest } from '@loran/plugin';
import { type AdaptedSource, onlyAdapter } from './adapted-source.js';

export interface ExportOptions {
  readonly output: string;
  readonly dtype?: string | undefined;
  readonly overwrite: boolean;
  readonly maxShardBytes?: number | undefined;
  /** Modules of an ONNX model that get inputs for adapters, and whether those must be given. */
  readonly adapterInputs?: string | readonly string[] | undefined;
  readonly adapterInputsRequired?: boolean | undefined;
  /** Name of the base model to write into an adapter. */
  readonly baseModel: string;
  /** Hears of the weights of whole models as they are written, in bytes. */
  readonly onProgress: (done: number, total: number) => void;
}

export interface ExportFormat {
  readonly name: string;
  readonly about: string;
  /** The storage that the model is loaded in, where only one will do. */
  readonly base?: string;
  /** Types that its numbers may have; none: it has one of its own. */
  readonly dtypes: readonly string[];
  /** Writes, and says what a user should know: what was lost, and how much. */
  write(from: AdaptedSource, options: ExportOptions): Promise<readonly string[]>;
}

export const exportFormats: readonly ExportFormat[] = [
  {
    name: 'hf',
    about: 'a Hugging Face folder, adapters merged in',
    dtypes: ['F32', 'F16', 'BF16'],
    write: (from, options) => writeFolder(from, options),
  },
  {
    name: 'bnb-nf4',
    about: 'a Hugging Face folder in 4 bits, as bitsandbytes has them',
    base: 'nf4',
    dtypes: ['F32', 'F16', 'BF16'],
    write: (from, options) => writeFolder(from, options, { packed: from.storage }),
  },
  {
    name: 'bnb-fp4',
    about: "the same in bitsandbytes' FP4",
    base: 'fp4',
    dtypes: ['F32', 'F16', 'BF16'],
    write: (from, options) => writeFolder(from, options, { packed: from.storage }),
  },
  {
    name: 'gguf',
    about: 'a GGUF file for llama.cpp, adapters merged in, with a Modelfile for Ollama beside it',
    dtypes: ['F32', 'F16', 'BF16', 'Q8_0', 'Q4_0'],
    async write({ source, model, set }, { output, dtype, onProgress }) {
      const options = { ...dtypeOf<SaveGgufOptions>(dtype), onProgress };
      return (await saveGguf(source, model, set, output, options)).warnings;
    },
  },
  {
    name: 'gguf-lora',
    about: "an adapter for llama.cpp's --lora",
    dtypes: ['F32', 'F16'],
    async write(from, { output, dtype }) {
      const adapter = onlyAdapter(from, 'gguf-lora');
      await saveGgufAdapter(from.source, from.model, adapter, output, dtypeOf<SaveGgufAdapterOptions>(dtype));
      return [];
    },
  },
  {
    name: 'onnx',
    about: 'a folder for ONNX Runtime and transformers.js, adapters merged in',
    dtypes: ['F32', 'F16'],
    async write({ source, model, set }, { output, dtype, overwrite, onProgress, ...inputs }) {
      const { adapterInputs, adapterInputsRequired = false } = inputs;
      const { warnings } = await saveOnnx(source, model, set, output, {
        overwrite,
        onProgress,
        ...dtypeOf<SaveOnnxOptions>(dtype),
        ...(adapterInputs === undefined ? {} : { adapterInputs, adapterInputsRequired }),
      });
      return warnings;
    },
  },
  {
    name: 'onnx-adapter',
    about: 'an .onnx_adapter file for an ONNX model that was written with --adapter-inputs',
    dtypes: [],
    async write(from, { output }) {
      await saveOnnxAdapter(from.model, onlyAdapter(from, 'onnx-adapter'), output);
      return [];
    },
  },
  {
    name: 'mlx',
    about: 'an adapter for mlx-lm',
    dtypes: [],
    async write(from, { output, baseModel }) {
      await saveMlxAdapter(onlyAdapter(from, 'mlx'), from.model, output, { baseModel });
      return [];
    },
  },
  {
    name: 'peft',
    about: 'an adapter for PEFT',
    dtypes: [],
    write: (from, options) => writeAdapter(from, options, onlyAdapter(from, 'peft')),
  },
  {
    name: 'mlora',
    about: "a LoRAN adapter for its authors' code",
    dtypes: [],
    write: (from, options) => writeAdapter(from, options, onlyAdapter(from, 'mlora'), 'mlora'),
  },
];

async function writeAdapter(
  { taskType }: AdaptedSource,
  { output, baseModel }: ExportOptions,
  adapter: Adapter,
  format?: string,
): Promise<readonly string[]> {
  await saveAdapter(adapter, output, {
    baseModel,
    ...(format === undefined ? {} : { format }),
    ...(taskType === undefined ? {} : { taskType }),
  });
  return [];
}

async function writeFolder(
  { source, model, set }: AdaptedSource,
  { output, dtype, overwrite, maxShardBytes, onProgress }: ExportOptions,
  more: Pick<SaveMergedModelOptions, 'packed'> = {},
): Promise<readonly string[]> {
  const { warnings } = await saveMergedModel(source, model, set, output, {
    overwrite,
    onProgress,
    ...dtypeOf<SaveMergedModelOptions>(dtype),
    ...(maxShardBytes === undefined ? {} : { maxShardBytes }),
    ...more,
  });
  return warnings;
}

/** The type for a writer that takes it: exportFormat has checked that it is one of the format's. */
const dtypeOf = <Options extends { readonly dtype?: string }>(dtype: string | undefined) =>
  (dtype === undefined ? {} : { dtype }) as Pick<Options, 'dtype'>;

/** The format of that name, if it can have such numbers. Throws UNKNOWN_FORMAT and FORMAT_DTYPE. */
export function exportFormat(name: string, dtype: string | undefined): ExportFormat {
  const found = exportFormats.find((format) => format.name === name);
  if (found === undefined) {
    const names = exportFormats.map((format) => format.name);
    const [near] = nearest(name, names);
    throw new LoranError(
      'UNKNOWN_FORMAT',
      `Nothing is written as '${name}'. Known: ${names.join(', ')}.${near === undefined ? '' : ` Did you mean '${near}'?`}`,
    );
  }
  if (dtype !== undefined && !found.dtypes.includes(dtype)) {
    throw new LoranError(
      'FORMAT_DTYPE',
      `'${name}' cannot have numbers of type ${dtype}. ${found.dtypes.length === 0 ? 'Leave the type out.' : `Choose from ${found.dtypes.join(', ')}.`}`,
    );
  }
  return found;
}
