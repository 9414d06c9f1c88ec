/**
 * The seam between tfjs kernels and the lazy backend.
 *
 * A kernel computes nothing: it appends a node whose emitter, called when a graph is compiled, writes the ONNX operators
 * of that node. Emitters see shapes and types only, never values, so one compiled graph serves every step.
 */
import type { BackendValues, DataId, DataType, NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs-core';
import type { GraphBuilder } from '../onnx/graph-builder.js';

/** Element types of values inside a graph. tfjs knows the first three; the others are stored codes or intermediates. */
export type OnnxType = 'float32' | 'int32' | 'bool' | 'uint8' | 'int8' | 'bfloat16' | 'int64' | 'uint32' | 'uint16';

/** A value inside a graph: its name there, element type and shape. */
export interface Value {
  readonly name: string;
  readonly type: OnnxType;
  readonly shape: readonly number[];
}

/** Attributes of a node. They are part of the compiled graph's key: what changes every step must be an input instead. */
export type Attrs = Readonly<Record<string, number | boolean | string | readonly number[] | undefined>>;

/** What a node promises about one of its outputs. */
export interface OutputSpec {
  readonly shape: readonly number[];
  readonly dtype: DataType;
  /** The type it is stored in, where tfjs has none for it: 'uint8', 'int8', 'bfloat16'. */
  readonly type?: OnnxType;
}

/** Writes the ONNX operators of one node and returns its output values, of the shapes and types declared. */
export type Emit = (
  graph: GraphBuilder,
  inputs: readonly Value[],
  attrs: Attrs,
  outputs: readonly OutputSpec[],
) => readonly Value[] | Value;

export interface LazyBackend {
  /**
   * Appends one node and returns its outputs, not computed yet. `op` is the tfjs kernel's name: part of the cache key
   * (with `attrs`, the outputs and the inputs' shapes and types) and named in errors, so equal keys must emit equal operators.
   * An input stored as uint8, int8 or bfloat16 reaches the emitter cast to its tfjs dtype, unless `raw`.
   */
  append(
    op: string,
    emit: Emit,
    inputs: readonly TensorInfo[],
    attrs: Attrs,
    outputs: readonly OutputSpec[],
    options?: { raw?: boolean },
  ): TensorInfo[];
  /** The same values again: same data id, one more reference. Free. */
  share(x: TensorInfo, shape?: number[], dtype?: DataType): TensorInfo;
  /** A new leaf that holds these values; strings as UTF-8 bytes. */
  constant(values: BackendValues, shape: number[], dtype: DataType): TensorInfo;
  /** Drops a reference that the kernel made and does not return. */
  release(x: TensorInfo): void;
  /** The type in which a tensor's values are stored. */
  storedType(x: TensorInfo): OnnxType;
  /** The values now; for kernels whose output shape depends on them. Blocks until they are computed. */
  readSync(dataId: DataId): BackendValues;
}

/** The implementation of one tfjs kernel on the lazy backend. */
export interface KernelDefinition {
  readonly kernelName: string;
  readonly kernelFunc: (args: {
    inputs: NamedTensorInfoMap;
    // tfjs hands over the attributes of any kernel under one type; each kernel narrows its own.
    attrs: Record<string, unknown>;
    backend: LazyBackend;
  }) => TensorInfo | TensorInfo[];
}
