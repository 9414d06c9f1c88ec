/**
 * Weights written in the parts of the base storage that keeps them, so that a quantised model stays quantised: NF4 as
 * bitsandbytes' checkpoints have it. What an adapter changes is quantised again.
 */
import {
  type AdapterSet,
  type BaseStorage,
  type FrozenWeight,
  isAdapted,
  mergedModule,
  type Slot,
} from '@loran/adapter';
import type { TensorBytes, TensorChunks, TensorFile } from '@loran/formats';
import { joined, transposedRuns } from '../checkpoint/value-runs.js';
import { notExportable } from './export-error.js';
import type { MergedWeights, StoredModel } from './merged-weights.js';
import { Rounding } from './rounding.js';

export interface PackedModules {
  /** Name of a weight in `weights` -> the tensors that are written for it. */
  readonly tensors: ReadonlyMap<string, readonly (readonly [name: string, tensor: TensorBytes | TensorChunks])[]>;
  /** `quantization_config` of config.json. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Paths of modules that were quantised again. */
  readonly requantised: readonly string[];
  /** What packing lost, of the values in the files or of the merged ones. */
  readonly rounding: Rounding;
}

/**
 * Each module's parts are made twice, once for their sizes: the largest, the codes, is never held for more than one module.
 * `files`: those that the model was loaded from. Throws NOT_EXPORTABLE, NON_FINITE.
 */
export async function packedModules(
  weights: MergedWeights,
  model: StoredModel,
  adapters: AdapterSet,
  storage: BaseStorage,
  files: TensorFile,
): Promise<PackedModules> {
  const slots = [...model.modules()].filter(([, { frozen }]) => frozen.storage === storage.name);
  const tensors = new Map<string, (readonly [string, TensorBytes | TensorChunks])[]>();
  const rounding = new Rounding();
  let names: ReadonlySet<string> = new Set();
  for (const [path, slot] of slots) {
    const weight = weights.names.get(`${path}.weight`);
    if (weight === undefined) continue; // a tied head, which is the embedding's own weight
    const parts = await partsOf(adapters, path, slot, rounding);
    if (!isAdapted(slot)) await measure(rounding, files, model, path, slot);
    names = new Set(parts.keys());
    const [largest] = [...parts].sort(([, a], [, b]) => b.data.length - a.data.length)[0]!;
    const entries = [...parts].map(([name, part]) => {
      const chunks = async function* () {
        yield (await partsOf(adapters, path, slot)).get(name)!.data;
      };
      const { dtype, shape } = part;
      return [weight.replace(/weight$/, name), name === largest ? { dtype, shape, chunks } : part] as const;
    });
    tensors.set(weight, entries);
  }
  const config = storage.checkpointConfig?.(names, unpackedMatrices(weights, model, tensors));
  if (config === undefined || tensors.size === 0) {
    throw notExportable(
      tensors.size === 0
        ? `No layer of the model is kept in '${storage.name}'. Load it with that base storage, or write it unpacked.`
        : `The base storage '${storage.name}' has no form in a checkpoint that other programs read. Write the model unpacked.`,
    );
  }
  return { tensors, config, requantised: slots.flatMap(([path, slot]) => (isAdapted(slot) ? [path] : [])), rounding };
}

/** The bias is left out: it is written beside the weight, as in every checkpoint. */
async function partsOf(
  adapters: AdapterSet,
  path: string,
  slot: Slot,
  rounding?: Rounding,
): Promise<Map<string, TensorBytes>> {
  const parts = new Map(await (isAdapted(slot) ? requantised(adapters, path, slot, rounding) : slot.frozen.parts()));
  parts.delete('bias');
  return parts;
}

async function requantised(
  adapters: AdapterSet,
  path: string,
  slot: Slot,
  rounding: Rounding | undefined,
): Promise<ReadonlyMap<string, TensorBytes>> {
  const merged = await mergedModule(adapters, path);
  if (merged === undefined) return slot.frozen.parts();
  const values = merged.weight.weight();
  try {
    const packed = await slot.frozen.with(values);
    const parts = await packed.parts();
    rounding?.add(await values.data<'float32'>(), await valuesOf(packed));
    packed.dispose();
    return parts;
  } finally {
    values.dispose();
    merged.release();
  }
}

/** What the storage lost of the values in the files; nothing where they were packed there already. */
async function measure(
  rounding: Rounding,
  files: TensorFile,
  model: StoredModel,
  path: string,
  { frozen }: Slot,
): Promise<void> {
  const name = model.checkpoint.stored.get(`${path}.weight`);
  const info = name === undefined ? undefined : files.tensors.get(name);
  const size = info?.shape.reduce((product, n) => product * n, 1);
  if (name === undefined || info === undefined || size !== frozen.rows * frozen.columns) return; // codes
  const values = files.values(name);
  const turned = model.conv1d?.has(path) === true ? transposedRuns(values, frozen.columns) : values;
  rounding.add(await joined(turned), await valuesOf(frozen));
}

async function valuesOf(frozen: FrozenWeight): Promise<Float32Array> {
  const weight = frozen.weight();
  const values = await weight.data<'float32'>();
  weight.dispose();
  return values;
}

/** Paths of matrices in plain floats, as the model's class names them: embeddings, heads, layers kept in another storage. */
function unpackedMatrices(
  { tensors, names }: MergedWeights,
  { checkpoint: { tied } }: StoredModel,
  packed: ReadonlyMap<string, unknown>,
): string[] {
  const inClass = new Map([...names].map(([name, stored]) => [stored, name]));
  const paths = [...tensors].flatMap(([name, { shape }]) =>
    shape.length === 2 && name.endsWith('.weight') && !packed.has(name)
      ? [(inClass.get(name) ?? name).slice(0, -'.weight'.length)]
      : [],
  );
  return [...new Set([...paths, ...tied.keys()])].sort();
}
