/**
 * The adapter interface: what a trainable update of a frozen weight is, without knowing how that weight is stored.
 *
 * A method is a plain value. `create` makes one layer for one frozen weight; layers of several adapters on one weight form
 * a chain whose end is the storage, and `next(x, delta)` is the rest of that chain. A method that adds a product to the
 * output returns `next(x) + …`; one that changes the weight returns `next(x, Δ)`; one that rescales wraps either.
 */
import type { Scalar, Tensor, Tensor1D, Tensor2D, Variable } from '@tensorflow/tfjs-core';
import type { Plugin, PluginKind } from '@loran/plugin';
import type { RandomStream } from '@loran/tensor';
import type { ZodType } from 'zod';
import type { Adaptable } from './adaptable.js';
import type { FrozenWeight } from './frozen-weight.js';

/** The state of one forward pass. */
export interface Call {
  readonly training: boolean;
  /** Scale of this adapter at run time (1 = as trained); a tensor when it varies from call to call. */
  readonly scale: number | Scalar;
  /** Inverted dropout with this call's random numbers: x·mask/(1−rate); `x` itself outside training or at rate 0. */
  readonly drop: <T extends Tensor>(x: T, rate: number) => T;
  /** What the frozen weight gives for `x`, without any adapter; computed once for the call's own x, however many ask. */
  readonly base: (x: Tensor) => Tensor;
}

export type Next = (x: Tensor, delta?: Tensor2D) => Tensor;

/** Some rows of a weight, replaced or added to: trainable tokens. */
export interface SparseRows {
  readonly indices: readonly number[];
  readonly values: Tensor2D; // [indices, columns], added to the rows
}

/** What a merge changes, at scale 1. */
export interface Delta {
  readonly weight?: Tensor2D; // [rows, columns]
  readonly rows?: SparseRows;
  readonly bias?: Tensor1D; // [rows]
}

/**
 * An update that is a plain product of two factors, ΔW = scaling · B·A: the form in which other programs keep adapters. Those
 * of an embedding give its transposed weight; see lowRankFactors.
 */
export interface FactoredUpdate {
  readonly A: Tensor2D; // [rank, in]; embedding [rank, vocabulary]
  readonly B: Tensor2D; // [out, rank]; embedding [width, rank]
  readonly scaling: number;
  /** Frees factors that were made for this call; left out where they are the layer's own, and stay. */
  readonly release?: () => void;
}

/** Factors by which a layer multiplies the weight, with all that other layers add to it. */
export interface Rescaling {
  readonly rows?: Tensor1D; // [rows], of the bias as well
  readonly columns?: Tensor1D; // [columns]
}

/**
 * An update with an elementwise function f inside, ΔW = … f(z) …, taken apart for whoever asks what f does. The caller disposes the
 * tensors.
 */
export interface NonlinearUpdate {
  /** Of f, for tables and errors. */
  readonly name: string;
  /** z, what f is applied to (where it is applied several times, at first): LoRAN's B·A. */
  readonly product: Tensor2D;
  /** f′(z), in z's shape. */
  readonly slope: Tensor2D;
  /** What the update would be with the identity in place of f. */
  readonly linear: Tensor2D; // [rows, columns]
}

/** One adapter on one frozen weight. */
export interface AdapterLayer {
  /** Trainable parameters by their short name: 'A', 'B'. fp32, always. */
  readonly parameters: ReadonlyMap<string, Variable>;
  /** Tensors that belong in the file as well, but are no parameters of this layer: VeRA's shared matrices, a tied head's weight. */
  readonly buffers?: ReadonlyMap<string, Tensor>;
  forward(x: Tensor, next: Next, call: Call): Tensor;
  delta(): Delta;
  /** The update's factors; left out where it is no plain product. */
  factored?(): FactoredUpdate;
  /** The update taken apart at its nonlinearity, at scale 1; left out where it has none. */
  nonlinear?(): NonlinearUpdate;
  /**
   * For a layer that multiplies instead of adding: its factors at that scale. Such layers stand at the outer end of the chain,
   * whenever they were added, and a merge multiplies by their factors last; `delta` is still what the layer does alone.
   */
  rescaling?(scale: Call['scale']): Rescaling;
  /** The weight [rows, columns] that the layer computes with in place of the frozen one; left out where it builds on that. */
  replacement?(): Tensor2D;
  /** On a head that is an embedding's own weight: the embedding's layer whose change it makes too, so that the two stay one. */
  readonly tiedTo?: AdapterLayer;
  /** The parameters as files hold them, where that is another form than they are trained in; the caller disposes them. */
  saved?(): ReadonlyMap<string, Tensor>;
  dispose(): void;
}

/** One place where a method will be applied, as `prepare` sees it. */
export interface LayerRequest {
  readonly path: string;
  readonly frozen: FrozenWeight;
  /** Puts another frozen weight in place while this adapter is active (LoftQ's); the original returns when it is not. */
  readonly replace: (frozen: FrozenWeight) => void;
  /**
   * The weight [rows, columns] before its storage rounded it (LoftQ, PiSSA over a quantised base), read again from the model's
   * files; the caller disposes it. Absent where the model no longer has it: then `frozen.weight()` is all there is.
   */
  original?(): Promise<Tensor2D>;
  /** Shows each input of the module to `see`, while `prepare` has data pass through the model; see Context.calibrate. */
  readonly watch: (see: (x: Tensor) => void) => void;
  /** The module gets no layer after all: a rank of 0. */
  readonly leaveOut: () => void;
}

/** What a method may ask of its surroundings. */
export interface Context {
  /** Path of the module in the model; '' in `prepare`. */
  readonly path: string;
  /** Seeded from the adapter's seed and the path, so that one layer's numbers do not depend on the others. */
  readonly random: RandomStream;
  /** A plugin that the configuration names: `resolve('activation', { name: 'sinter' })`. Throws UNKNOWN_PLUGIN. */
  resolve(kind: PluginKind, name: string): Plugin;
  /**
   * Tensors shared by all layers of one adapter, made in `prepare`, disposed with the adapter. Those of an adapter's file are
   * there already (see AdapterFormat.shared); `prepare` checks their shapes.
   */
  readonly shared: Map<string, Tensor>;
  /** Whether initial values matter; false where those of a file follow: what only serves to find good ones is left out. */
  readonly initialise: boolean;
  /** Has the model compute that many examples of the data, for the layers that `prepare` watches; left out where there are no data. */
  readonly calibrate?: (examples: number) => Promise<void>;
}

/** What a file says of the modules that an adapter is on. */
export interface TargetFacts {
  /** Whether all linear ones among them are Conv1D layers, with weights of [in, out] in their class. */
  readonly conv1d: boolean;
  /** Module path -> the layer there, whose parameters have the shapes. */
  readonly layers: ReadonlyMap<string, Pick<AdapterLayer, 'parameters'>>;
}

/** How a method's configuration and tensors stand in files, both ways: PEFT's layout, or another. */
export interface AdapterFormat<Config> {
  readonly name: string; // 'peft'
  /** Value of `peft_type` in adapter_config.json. */
  readonly peftType: string;
  /** Whether PEFT itself has this peft_type: then adapter_config.json gets no field but PEFT's. Default false. */
  readonly inPeft?: boolean;
  /** The method's own fields of adapter_config.json, in snake_case. Throws NOT_IN_FORMAT for what the format has no words for. */
  toFile(config: Config, targets: TargetFacts): Readonly<Record<string, unknown>>;
  /** The configuration from those fields, unvalidated: the method's schema checks it. Unknown fields are ignored. */
  fromFile(fields: Readonly<Record<string, unknown>>): unknown;
  /** Suffix of a parameter's key behind the module's path: A -> 'lora_A.weight'. A Map, or a rule for open sets of names. */
  readonly suffixes: Pick<ReadonlyMap<string, string>, 'get'>;
  /** Key of each tensor that the layers share (Context.shared), which stands in the file once; none when omitted. */
  readonly shared?: ReadonlyMap<string, string>;
}

/** What factors ask of the configuration of their adapter. */
export interface FactoredFacts {
  readonly rank: number;
  readonly scaling: number;
  readonly dropout: number;
  /** Module path -> rank, for the modules whose rank is another than `rank`. */
  readonly ranks: ReadonlyMap<string, number>;
}

export interface AdapterMethod<Config = unknown> extends Plugin {
  readonly kind: 'adapter-method';
  /** Validates a configuration and fills in the defaults. */
  readonly config: ZodType<Config>;
  /**
   * Work across layers, with data or the original weights: PiSSA, LoftQ, EVA, VeRA's shared matrices. A configuration that it
   * returns takes the place of the one given: ranks that the data decided.
   */
  prepare?(
    layers: readonly LayerRequest[],
    config: Config,
    context: Context,
  ): Promise<Config | undefined> | Promise<void>;
  create(frozen: FrozenWeight, config: Config, context: Context): AdapterLayer;
  /** Layers on modules that are no targets, by their path: trained biases, rows of an embedding. `taken`: those with one already. */
  companions?(
    model: Adaptable,
    config: Config,
    taken: ReadonlyMap<string, AdapterLayer>,
    context: (path: string) => Context,
  ): ReadonlyMap<string, AdapterLayer>;
  readonly formats: readonly AdapterFormat<Config>[];
  /**
   * The configuration of an adapter whose layers compute scaling · B·A, unvalidated; the factors of such layers are variables,
   * which a reader assigns. Left out where the method has no such form.
   */
  readonly factoredConfig?: (facts: FactoredFacts) => unknown;
}
