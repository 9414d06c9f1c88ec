/** What the laws of adapter methods are stated about: a method, one of its configurations, and a tiny model to try it on. */
import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import {
  adapterParameters,
  AdapterSet,
  fp32,
  type Adapter,
  type AdapterMethod,
  type BaseStorage,
  type Context,
  type FrozenWeight,
} from '@loran/adapter';
import { randomStream } from '@loran/tensor';
import { descend, type DescendOptions } from '../descend.js';
import type { Tolerance } from '../expect-close.js';
import { valuesOf } from '../expect-close.js';
import { tinyModel, type TinyModel, type TinyModelOptions } from '../tiny-model.js';

export type LayerShape = Pick<FrozenWeight, 'kind' | 'rows' | 'columns'> & { readonly biased: boolean };

export interface AdapterMethodSubject {
  readonly method: AdapterMethod;
  /** The configuration as a user writes it. */
  readonly config: unknown;
  readonly kind: FrozenWeight['kind'];
  readonly bases: readonly BaseStorage[];
  readonly resolve: Context['resolve'] | undefined;
  readonly parameterCount: (layer: LayerShape) => number;
  readonly startsFrom: 'seed' | 'constants';
  readonly tolerances: {
    readonly merge: Tolerance;
    /** Of gradients against differences, relative to the parameter's largest gradient. */
    readonly gradient: number;
  };
}

export interface Fixture {
  readonly model: TinyModel;
  readonly set: AdapterSet;
  readonly adapter: Adapter;
  readonly parameters: ReadonlyMap<string, Variable>;
}

export interface FixtureOptions extends Partial<TinyModelOptions> {
  /** Seed of the adapter; default 1. */
  readonly adapterSeed?: number;
}

export const targetsOf = (kind: FrozenWeight['kind']): readonly string[] =>
  kind === 'embedding' ? ['tokens'] : ['encoder.first', 'encoder.second'];

/** Runs `body` with the method on a fresh tiny model over the first base, and frees everything. */
export async function withAdapter<T>(
  subject: AdapterMethodSubject,
  body: (fixture: Fixture) => Promise<T>,
  { adapterSeed = 1, storage = subject.bases[0] ?? fp32, ...options }: FixtureOptions = {},
): Promise<T> {
  const model = await tinyModel({ storage, ...options });
  const set = new AdapterSet(model);
  try {
    const adapter = await set.add(adapterOptions(subject, 'default', adapterSeed));
    return await body({ model, set, adapter, parameters: adapterParameters(adapter) });
  } finally {
    set.clear();
    model.dispose();
  }
}

export function adapterOptions({ method, config, kind, resolve }: AdapterMethodSubject, name: string, seed = 1) {
  return { method, config, targetModules: targetsOf(kind), name, seed, ...(resolve === undefined ? {} : { resolve }) };
}

/** Trains the adapter, its dropout active; every call draws the same numbers. Returns the losses. */
export function train(
  model: TinyModel,
  parameters: ReadonlyMap<string, Variable>,
  options: Partial<DescendOptions> = {},
): Promise<number[]> {
  const random = randomStream(99);
  const loss = (step: number) => model.loss({ training: true, random: random.derive(step) });
  return descend(loss, [...parameters.values()], { steps: 6, ...options });
}

/** A copy of the numbers of some tensors. */
export async function snapshot(tensors: ReadonlyMap<string, Tensor>): Promise<Map<string, number[]>> {
  const copies = new Map<string, number[]>();
  for (const [name, tensor] of tensors) copies.set(name, Array.from(await valuesOf(tensor)));
  return copies;
}

/** The numbers of a tensor, which is then disposed. */
export async function take(tensor: Tensor): Promise<number[]> {
  const values = Array.from(await valuesOf(tensor));
  tensor.dispose();
  return values;
}

/** The frozen weights of every module, dequantised. */
export async function frozenWeights(model: TinyModel): Promise<Map<string, number[]>> {
  const weights = new Map<string, number[]>();
  for (const [path, { frozen }] of model.modules()) weights.set(path, await take(frozen.weight()));
  return weights;
}
