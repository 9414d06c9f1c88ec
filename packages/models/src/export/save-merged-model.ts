/** Writes a model with its adapters merged in as a Hugging Face folder, which transformers loads with equal logits. */
import fs from 'node:fs/promises';
import { AdapterSet, type BaseStorage } from '@loran/adapter';
import { isBlockType, isFloat, type StoredType, writeSafetensorsFolder } from '@loran/formats';
import type { ModelSource } from '../model-family.js';
import { notExportable } from './export-error.js';
import { mergedConfig, type ModelDtype } from './merged-config.js';
import { type MergedWeights, mergedWeights, type StoredModel } from './merged-weights.js';
import { writeModelFiles } from './model-files.js';
import { newFolder, type NewFolderOptions, refuseFolderOf } from './new-folder.js';
import { packedModules } from './packed-modules.js';
import { Rounding } from './rounding.js';

export interface SaveMergedModelOptions extends NewFolderOptions {
  /** Of all float tensors; default: each as the checkpoint has it, F16 where that is quantised. */
  readonly dtype?: ModelDtype;
  /**
   * Weights that the model keeps in this base storage are written as it keeps them, packed, and config.json says so: NF4 as
   * bitsandbytes' checkpoints. Those that adapters change are quantised again. Default: dequantised.
   */
  readonly packed?: BaseStorage;
  /** Bytes of tensors in one file; default 5 GB. */
  readonly maxShardBytes?: number;
  /** Called as weights are written: bytes of them so far and in all. */
  readonly onProgress?: (writtenBytes: number, totalBytes: number) => void;
}

/** What was written. */
export interface SavedModel {
  /** Names in the folder. */
  readonly files: readonly string[];
  /** What a user should know of it. */
  readonly warnings: readonly string[];
}

/**
 * Writes config.json, generation_config.json, the tokenizer with its chat templates, and the weights in shards. `source`: what
 * the model was loaded from, opened anew (`openModel`); the caller closes its weights. `adapters`: those of the model, whose
 * active ones are merged; default none.
 *
 * Tensors are written one after another, under the names and in the layouts of the checkpoint. A tied head stays tied unless
 * an adapter changes it or its embedding: then both are written, and config.json says so.
 *
 * Throws FOLDER_NOT_EMPTY, NON_FINITE, NOT_EXPORTABLE, WRITE_FAILED, and what the weights' reader throws; the folder is then
 * as it was.
 */
export async function saveMergedModel(
  source: ModelSource,
  model: StoredModel & { readonly labels?: readonly string[]; readonly pooling?: string },
  adapters: AdapterSet | undefined,
  folder: string,
  options: SaveMergedModelOptions = {},
): Promise<SavedModel> {
  refuseFolderOf(source.name, folder);
  const merging = adapters ?? new AdapterSet(model);
  const weights = mergedWeights(source.weights, model, merging);
  if (weights.untied.length > 0 && model.tiedForGood !== undefined) {
    throw notExportable(
      `${source.name}: ${model.tiedForGood}, and an adapter changes one of the two. Deactivate that adapter.`,
    );
  }
  const packed = options.packed && (await packedModules(weights, model, merging, options.packed, source.weights));
  const plain = [...weights.tensors.keys()].filter((name) => packed?.tensors.has(name) !== true);
  const dtype = options.dtype ?? usualDtype(weights, plain);
  const warnings: string[] = [];
  const rounding = new Rounding();
  await newFolder(folder, options, async (empty) => {
    const entries = [
      ...plain.map((name) => entryOf(weights, name, options.dtype, rounding)),
      ...[...(packed?.tensors.values() ?? [])].flat(),
    ];
    await writeSafetensorsFolder(empty, entries, {
      ...(options.maxShardBytes === undefined ? {} : { maxShardBytes: options.maxShardBytes }),
      ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
    });
    const config = {
      ...mergedConfig(source.config, weights, model, dtype),
      ...(packed === undefined ? {} : { quantization_config: packed.config }),
    };
    warnings.push(...(await writeModelFiles(source, empty, config)));
  });
  if (weights.untied.length > 0) {
    warnings.push(
      `${weights.untied.join(', ')} was the embedding's own weight; an adapter changes one of them, so the merged model has both.`,
    );
  }
  warnings.push(...rounding.warnings(`Weights were rounded to ${dtype}`));
  if (packed !== undefined && packed.requantised.length > 0) {
    warnings.push(
      `${packed.requantised.length} layers that adapters change were quantised again, ${packed.requantised[0]} the first: the merged model computes somewhat other values.`,
    );
  }
  warnings.push(...(packed?.rounding.warnings('Weights were quantised') ?? []));
  return { files: (await fs.readdir(folder)).sort(), warnings };
}

/** Bytes as they are where they stay the same, else values narrowed as they pass. */
function entryOf(weights: MergedWeights, name: string, wanted: ModelDtype | undefined, rounding: Rounding): Entry {
  const { dtype, shape } = weights.tensors.get(name)!;
  const isValues = isFloat(dtype) || isBlockType(dtype);
  const to = isValues ? (wanted ?? keptDtype(dtype)) : dtype;
  if (!weights.isOriginal(name) || to !== dtype) {
    return [name, rounding.of({ dtype: to as ModelDtype, shape, values: () => weights.values(name) })];
  }
  const chunks = async function* () {
    yield (await weights.read(name)).data;
  };
  return [name, { dtype: to, shape, chunks }];
}

type Entry = Parameters<typeof writeSafetensorsFolder>[1] extends Iterable<infer E> ? E : never;

/** F64 and packed weights become what a model is usually kept in. */
function keptDtype(dtype: StoredType): ModelDtype {
  if (dtype === 'F32' || dtype === 'F16' || dtype === 'BF16') return dtype;
  return dtype === 'F64' ? 'F32' : 'F16';
}

/** The dtype that most of the values will have. */
function usualDtype({ tensors }: MergedWeights, names: readonly string[]): ModelDtype {
  const counts = new Map<ModelDtype, number>();
  for (const name of names) {
    const { dtype, shape } = tensors.get(name)!;
    const kept = keptDtype(dtype);
    counts.set(kept, (counts.get(kept) ?? 0) + shape.reduce((product, n) => product * n, 1));
  }
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? 'F32';
}
