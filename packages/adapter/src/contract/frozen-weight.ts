/**
 * One frozen weight, however it is stored: the seam between adapter methods and base storage.
 *
 *   linear     W [out, in]             apply(x, Δ) = x (W + Δ)ᵀ + bias
 *   embedding  W [vocabulary, width]   apply(ids, Δ) = rows of W + Δ at the ids
 *
 * Immutable. A method only ever sees this interface, so that every method runs over every storage.
 */
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { TensorBytes } from '@loran/formats';
import type { Plugin } from '@loran/plugin';

export interface FrozenWeight {
  readonly kind: 'linear' | 'embedding';
  /** Name of the base storage that made it: 'fp32', 'bf16', 'nf4', … */
  readonly storage: string;
  /** linear: output features; embedding: vocabulary. */
  readonly rows: number;
  /** linear: input features; embedding: width. */
  readonly columns: number;
  readonly bias: Tensor1D | null; // [rows]
  /** Bytes that the stored weight and its bias really take. */
  readonly byteLength: number;
  /** The product, differentiable in `x` and `delta`; any leading axes. `delta` is [rows, columns], fp32. */
  apply(x: Tensor, delta?: Tensor2D): Tensor;
  /**
   * The weight in fp32 [rows, columns], dequantised when it must be. The caller disposes it (or tidies). With a `dependency` it is
   * dequantised no earlier than that is computed: see `after`.
   */
  weight(dependency?: Tensor): Tensor2D;
  /** The same storage with other values: for merging, and for methods that change the base. Bias: kept when omitted. */
  with(weight: Tensor2D, bias?: Tensor1D | null): Promise<FrozenWeight>;
  /** What a checkpoint keeps, bit for bit, by part name ('weight', 'bias', 'weight.absmax', …). */
  parts(): Promise<ReadonlyMap<string, TensorBytes>>;
  dispose(): void;
}

/** One weight on its way from a file into storage: read in pieces, so that two whole copies never exist. */
export interface WeightSource {
  readonly kind: 'linear' | 'embedding';
  /** Path of the module, for errors: 'bert.encoder.layer.0.attention.self.query'. */
  readonly path: string;
  readonly rows: number;
  readonly columns: number;
  /** Successive runs of the row-major [rows, columns] values, widened to fp32. */
  values(): AsyncIterable<Float32Array>;
  readonly bias: Float32Array | null; // [rows]
}

/** How frozen weights are kept and multiplied: fp32, bf16, NF4, a third party's. */
export interface BaseStorage extends Plugin {
  readonly kind: 'base-storage';
  store(source: WeightSource): Promise<FrozenWeight>;
  /**
   * The same storage, under the same name, with other options for weights that it stores from now on. Throws when it has no such
   * option or value. Absent: it has no options.
   */
  withOptions?(options: Readonly<Record<string, unknown>>): BaseStorage;
  /** From a checkpoint that is already in this storage: nothing is quantised a second time. */
  restore(kind: FrozenWeight['kind'], parts: ReadonlyMap<string, TensorBytes>): FrozenWeight;
  /**
   * The parts of the module at `path` among the names of a checkpoint's tensors (`path`.weight.absmax, …), without its bias;
   * `undefined` where its weight is not in this storage. Absent: checkpoints hold this storage's weights as plain floats.
   */
  recognises?(names: Pick<ReadonlySet<string>, 'has'>, path: string): readonly string[] | undefined;
  /**
   * `quantization_config` of the config.json beside weights in this storage. `parts`: the part names of one of them;
   * `unpacked`: paths of the matrices that are written as plain floats. Absent: config.json says nothing of it.
   */
  checkpointConfig?(parts: ReadonlySet<string>, unpacked: readonly string[]): Readonly<Record<string, unknown>>;
}
