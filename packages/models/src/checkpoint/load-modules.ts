/** Loads a model's modules one after another, each streamed from the file into its storage. */
import * as tf from '@tensorflow/tfjs-core';
import { type FrozenWeight, Slot } from '@loran/adapter';
import type { TensorFile } from '@loran/formats';
import { LayerNorm } from '../layers/layer-norm.js';
import type { Norm } from '../layers/norm.js';
import { RmsNorm } from '../layers/rms-norm.js';
import { ModelError } from '../model-error.js';
import { type Checkpoint, Fingerprint } from './checkpoint.js';
import { LoadProgress, type LoadProgressOptions } from './load-progress.js';
import type { LocatedTensors } from './locate-tensors.js';
import type { EmbeddingSpec, LinearSpec, ModuleSpec, NormSpec } from './module-spec.js';
import { originalValues } from './original-values.js';
import { type PackedWeight, partNames, restoreWeight } from './packed-weight.js';
import { storageOf, type Storages } from './storages.js';
import { joined, transposedRuns } from './value-runs.js';

export interface LoadedModules extends Checkpoint {
  readonly slots: Map<string, Slot>;
  readonly norms: Map<string, Norm>;
}

export async function loadModules(
  file: TensorFile,
  specs: readonly ModuleSpec[],
  { stored, packed }: Pick<LocatedTensors, 'stored' | 'packed'>,
  storages: Storages,
  { onProgress }: LoadProgressOptions = {},
): Promise<LoadedModules> {
  const slots: LoadedModules['slots'] = new Map();
  const norms: LoadedModules['norms'] = new Map();
  const fingerprint = new Fingerprint();
  const parts = [...packed.values()].flatMap(partNames);
  const progress = new LoadProgress(file.tensors, [...stored.values(), ...parts], onProgress);
  const valuesOf = (name: string) => {
    const storedName = stored.get(name) ?? name;
    return progress.watch(storedName, file.values(storedName));
  };
  const whole = async (name: string): Promise<Float32Array> => joined(valuesOf(name));
  const store = async (spec: LinearSpec | EmbeddingSpec, bias: Float32Array | null): Promise<FrozenWeight> => {
    const { kind, path, rows, columns } = spec;
    const weight = `${path}.weight`;
    const turned = kind === 'linear' && spec.conv1d === true;
    const values = () => (isHead(spec) ? valuesOf(weight) : fingerprint.watch(weight, valuesOf(weight)));
    return storageOf(spec, storages).store({
      kind,
      path,
      rows,
      columns,
      values: () => (turned ? transposedRuns(values(), columns) : values()),
      bias,
    });
  };
  const restore = async (spec: LinearSpec | EmbeddingSpec, parts: PackedWeight, bias: Float32Array | null) => {
    const frozen = await restoreWeight(file, spec, parts, bias);
    for (const part of partNames(parts)) progress.add(part);
    if (!isHead(spec)) await fingerprint.add(`${spec.path}.weight`, frozen);
    return frozen;
  };
  try {
    for (const spec of specs) {
      const { path } = spec;
      if (isNorm(spec)) {
        norms.set(path, await loadNorm(spec, whole));
        continue;
      }
      const bias = spec.kind === 'linear' && spec.bias ? await whole(`${path}.bias`) : null;
      const parts = packed.get(path);
      const frozen = parts === undefined ? await store(spec, bias) : await restore(spec, parts, bias);
      slots.set(path, new Slot(path, frozen));
    }
  } catch (error) {
    disposeModules({ slots, norms });
    throw error;
  }
  const original = originalValues(file, specs, stored, packed);
  return { slots, norms, specs, stored, tied: new Map(), original, fingerprint: fingerprint.digest() };
}

/** Numbers outside the slots: those of the normalisations. */
export function normParameters({ norms }: Pick<LoadedModules, 'norms'>): number {
  return [...norms.values()].reduce((sum, { parameters }) => sum + parameters, 0);
}

export function disposeModules({ slots, norms }: Pick<LoadedModules, 'slots' | 'norms'>): void {
  for (const module of [...slots.values(), ...norms.values()]) module.dispose();
}

/** Paths of linear layers that the checkpoint keeps as [in, out]; see Adaptable.conv1d. */
export function conv1dPaths({ specs }: Pick<LoadedModules, 'specs'>): ReadonlySet<string> {
  return new Set(specs.flatMap((spec) => (spec.kind === 'linear' && spec.conv1d === true ? [spec.path] : [])));
}

/** The module of that path; a family that asks for one it did not list throws MISSING_WEIGHTS. */
export function found<T>(modules: ReadonlyMap<string, T>, path: string): T {
  const module = modules.get(path);
  if (module === undefined)
    throw new ModelError('MISSING_WEIGHTS', `The model was built without its module '${path}'.`);
  return module;
}

/** Heads are no part of a model's fingerprint. */
const isHead = (spec: LinearSpec | EmbeddingSpec): boolean => spec.kind === 'linear' && spec.keptAs !== undefined;

const isNorm = (spec: ModuleSpec): spec is NormSpec => spec.kind === 'layer-norm' || spec.kind === 'rms-norm';

async function loadNorm(
  { kind, path, epsilon, offset = 0 }: NormSpec,
  whole: (name: string) => Promise<Float32Array>,
): Promise<Norm> {
  const weight = await whole(`${path}.weight`);
  const gamma = tf.tensor1d(offset === 0 ? weight : weight.map((value) => value + offset));
  return kind === 'rms-norm'
    ? new RmsNorm(gamma, epsilon)
    : new LayerNorm(gamma, tf.tensor1d(await whole(`${path}.bias`)), epsilon);
}
