/**
 * A model's tensors with its active adapters merged in, as a file of tensors that are made while they are read: one module at
 * a time, so that the merged model never exists beside the model.
 *
 * A tensor that no adapter changes is read from the files that the model came from, so norms, layouts and names stay as they
 * are there; so do weights that the base storage keeps in fp32. What another storage rounded (NF4, bf16) is written as the
 * model computes with it, so that the logits are the same.
 */
import {
  type Adaptable,
  type AdapterSet,
  type FrozenWeight,
  isAdapted,
  mergedModule,
  type Slot,
  staysTied,
} from '@loran/adapter';
import { fromFloat32, isFloat, type TensorFile, type TensorInfo, transposedValues } from '@loran/formats';
import type { Checkpoint } from '../checkpoint/checkpoint.js';
import type { ModelGraph } from '../onnx/model-graph.js';
import { notExportable } from './export-error.js';

/** A model that was loaded from files, and can be written again. */
export interface StoredModel extends Adaptable {
  readonly checkpoint: Checkpoint;
  /** Why its tied head cannot be written as a weight of its own; undefined: it can. */
  readonly tiedForGood?: string;
  /**
   * What it is as ONNX: for each file, by the name that transformers.js has for it ('model'), a function that writes inputs,
   * layers and outputs. None: the model's kind cannot be written as ONNX.
   */
  graphs?(): Readonly<Record<string, (graph: ModelGraph) => void>>;
}

export interface MergedWeights extends TensorFile {
  /** Whether `read(name)` gives the very bytes of the model's files. */
  isOriginal(name: string): boolean;
  /** Name in the model's class -> name here: 'model.norm.weight'. */
  readonly names: ReadonlyMap<string, string>;
  /** Paths of output heads that were the embedding's own weight and, adapted, no longer are. */
  readonly untied: readonly string[];
  /** Paths of modules that the files do not have: heads begun anew. */
  readonly added: readonly string[];
}

/** `weights`: those that the model was loaded from, still open. Reading throws NON_FINITE and NOT_EXPORTABLE. */
export function mergedWeights(weights: TensorFile, model: StoredModel, adapters: AdapterSet): MergedWeights {
  const { stored } = model.checkpoint;
  const slots = model.modules();
  const { added, untied } = changedHeads(model);
  // A new head makes it another class, which finds its tensors under the class's own names only.
  const nameOf = (name: string) => (added.length > 0 ? name : (stored.get(name) ?? name));
  const parts = new Map(moduleParts(model, untied).map((part) => [nameOf(`${part.path}.${part.kind}`), part]));
  const tensors = new Map<string, TensorInfo>();
  const names = new Map<string, string>();
  const originals = new Map<string, string>(); // name here -> name in the files

  const inModel = new Map([...stored].map(([name, storedName]) => [storedName, name]));
  const packed = [...parts.values()].flatMap(({ stored }) => (stored === undefined ? [] : [`${stored}.`])); // 'X.weight.absmax'
  for (const [storedName, info] of weights.tensors) {
    const own = inModel.get(storedName);
    if (own === undefined && (added.length > 0 || packed.some((start) => storedName.startsWith(start)))) continue;
    const name = own === undefined ? storedName : nameOf(own);
    if (own !== undefined) names.set(own, name);
    originals.set(name, storedName);
    tensors.set(name, info);
  }
  // codes, whatever type their bytes go by, become what the model's other tensors are: embeddings and norms
  const codes = new Set(
    [...parts.values()].flatMap(({ stored, shape }) =>
      stored !== undefined && String(weights.tensors.get(stored)?.shape) !== String(shape) ? [stored] : [],
    ),
  );
  const floats = [...inModel.keys()].filter((name) => !codes.has(name)).map((name) => weights.tensors.get(name)?.dtype);
  const unpacked = floats.find((dtype) => dtype !== undefined && isFloat(dtype)) ?? 'F16';
  for (const [name, { path, kind, shape, stored: storedName }] of parts) {
    const info = storedName === undefined ? undefined : weights.tensors.get(storedName);
    const isPacked = storedName !== undefined && codes.has(storedName);
    const dtype = isPacked ? unpacked : (info?.dtype ?? 'F32');
    const byteLength =
      isPacked || info === undefined ? 4 * shape.reduce((product, n) => product * n, 1) : info.byteLength;
    tensors.set(name, { dtype, shape, byteLength });
    names.set(`${path}.${kind}`, name);
    const slot = slots.get(path)!;
    const isOriginal = !isAdapted(slot) && slot.frozen.storage === 'fp32' && storedName !== undefined;
    if (isOriginal) originals.set(name, storedName);
    else originals.delete(name);
  }

  const values = async function* (name: string): AsyncGenerator<Float32Array> {
    const original = originals.get(name);
    const part = parts.get(name);
    if (original !== undefined || part === undefined) {
      yield* weights.values(original ?? name); // which says that there is none
      return;
    }
    const merged = await mergedModule(adapters, part.path);
    try {
      yield await partOf(slots.get(part.path)!, merged?.weight, part);
    } finally {
      merged?.release();
    }
  };
  return {
    name: weights.name,
    tensors,
    metadata: weights.metadata,
    names,
    untied,
    added,
    isOriginal: (name) => originals.has(name),
    values,
    async read(name) {
      const original = originals.get(name);
      if (original !== undefined) return weights.read(original);
      const [run = new Float32Array(0)] = await collected(values(name)); // a part comes in one run
      return { dtype: 'F32', shape: tensors.get(name)?.shape ?? [], data: fromFloat32(run, 'F32') };
    },
    close: () => weights.close(),
  };
}

/** Heads that the files do not have, and heads that were an embedding's weight before an adapter changed one of the two. */
function changedHeads(model: StoredModel): { added: string[]; untied: string[] } {
  const { specs, tied } = model.checkpoint;
  const slots = model.modules();
  const known = new Set(specs.map(({ path }) => path));
  return {
    added: [...slots.keys()].filter((path) => !known.has(path) && !tied.has(path)),
    untied: [...tied.keys()].filter((head) => !staysTied(slots.get(head)!, slots.get(tied.get(head)!)!)),
  };
}

/** A weight or bias that the model computes with, which may differ from the file's. */
interface Part {
  readonly path: string;
  readonly kind: 'weight' | 'bias';
  readonly conv1d: boolean;
  /** Its name in the files, if they have it. */
  readonly stored: string | undefined;
  readonly shape: readonly number[];
}

function moduleParts(model: StoredModel, untied: readonly string[]): Part[] {
  const { stored, tied } = model.checkpoint;
  return [...model.modules()].flatMap(([path, slot]): Part[] => {
    if (tied.has(path) && !untied.includes(path)) return [];
    const { rows, columns, bias } = slot.frozen;
    const conv1d = model.conv1d?.has(path) === true;
    const source = tied.get(path) ?? path; // an untied head starts from the embedding's values
    const weight = stored.get(`${source}.weight`);
    const shape = conv1d ? [columns, rows] : [rows, columns];
    return [
      { path, kind: 'weight', conv1d, stored: weight, shape },
      ...(bias === null
        ? []
        : [{ path, kind: 'bias', conv1d, stored: stored.get(`${path}.bias`), shape: [rows] } as const]),
    ];
  });
}

async function partOf(slot: Slot, merged: FrozenWeight | undefined, { kind, conv1d }: Part): Promise<Float32Array> {
  const frozen = merged ?? slot.frozen;
  if (kind === 'bias') return (frozen.bias as NonNullable<FrozenWeight['bias']>).data<'float32'>();
  if (frozen.bias !== null && slot.frozen.bias === null) {
    throw notExportable(
      `An adapter trains a bias of '${slot.path}', which has none in this model's class. Deactivate that adapter, or train it without biases.`,
    );
  }
  const weight = frozen.weight();
  try {
    const values = await weight.data<'float32'>();
    return conv1d ? transposedValues(values, frozen.rows, frozen.columns) : values;
  } finally {
    weight.dispose();
  }
}

async function collected(runs: AsyncIterable<Float32Array>): Promise<Float32Array[]> {
  const all: Float32Array[] = [];
  for await (const run of runs) all.push(run);
  return all;
}
