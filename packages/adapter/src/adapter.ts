/** One adapter on one model: a method, its configuration, and a layer for each module that it is on. */
import type { Plugin } from '@loran/plugin';
import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs-core';
import type { AdapterLayer, AdapterMethod } from './contract/adapter-method.js';
import type { Selection, TargetModules } from './target-modules.js';

export interface Adapter {
  readonly name: string;
  readonly method: AdapterMethod;
  /** Validated, defaults filled in. */
  readonly config: unknown;
  readonly targetModules: TargetModules;
  readonly selection: Selection;
  readonly modulesToSave: readonly string[];
  /** See AdapterOptions. */
  readonly ensureWeightTying: boolean;
  /** Of the base model that it was put on; see Adaptable.fingerprint. */
  readonly fingerprint: string | undefined;
  /** The plugins that it is made with besides its method, such as an activation. */
  readonly plugins: readonly Plugin[];
  /** What a user should know of it, such as a base with other weights than it was trained on. */
  readonly warnings: string[];
  /** Module path -> the method's layer. */
  readonly layers: ReadonlyMap<string, AdapterLayer>;
  /** Module path -> a trained copy of the whole module. */
  readonly savedModules: ReadonlyMap<string, AdapterLayer>;
  /** Whether all linear modules that the method is on are Conv1D layers in their class; see Adaptable.conv1d. */
  readonly conv1d: boolean;
  /** Tensors shared by all layers, made by the method's `prepare`. */
  readonly shared: ReadonlyMap<string, Tensor>;
  /** Scale at run time, 1 = as trained; a tensor when it changes from call to call. */
  scale: number | Scalar;
}

/** Every trainable parameter of an adapter by 'module path.parameter', in the model's order. */
export function adapterParameters({
  layers,
  savedModules,
}: Pick<Adapter, 'layers' | 'savedModules'>): ReadonlyMap<string, Variable> {
  return new Map(
    [...layers, ...savedModules].flatMap(([path, layer]) =>
      [...layer.parameters].map(([name, parameter]) => [`${path}.${name}`, parameter] as const),
    ),
  );
}
