/**
 * How kernels are written down here: a tfjs kernel checks shapes, then appends one node whose emitter writes the operators.
 *
 * What an emitter decides by besides its inputs' shapes and types must stand in the attributes: they are part of the key of
 * the compiled graph, so two nodes with equal keys share what the first one emitted.
 */
import { type DataType, type TensorInfo, type TypedArray, util } from '@tensorflow/tfjs-core';
import { LoranError } from '@loran/plugin';
import { storedType as storedTypeOrNull } from '../graph/node.js';
import type { GraphBuilder } from '../onnx/graph-builder.js';
import type { Attrs, KernelDefinition, LazyBackend, OnnxType, OutputSpec, Value } from './kernel.js';

/** A kernel whose inputs and attributes have tfjs's types for it. */
export function defineKernel<Inputs, Attributes = unknown>(
  kernelName: string,
  compute: (inputs: Inputs, attributes: Attributes, backend: LazyBackend) => TensorInfo | TensorInfo[],
): KernelDefinition {
  return {
    kernelName,
    // tfjs hands every kernel its inputs and attributes untyped.
    kernelFunc: ({ inputs, attrs, backend }) => compute(inputs as Inputs, attrs as Attributes, backend),
  };
}

export { storedShape } from '../graph/node.js';

type Values<Inputs extends readonly TensorInfo[]> = { [K in keyof Inputs]: Value };

/** Appends a node with one output. */
export function compute<const Inputs extends readonly TensorInfo[]>(
  backend: LazyBackend,
  kernelName: string,
  inputs: Inputs,
  attributes: Attrs,
  output: OutputSpec,
  emit: (graph: GraphBuilder, inputs: Values<Inputs>) => Value,
): TensorInfo {
  return computeAll(backend, kernelName, inputs, attributes, [output], (graph, values) => [
    emit(graph, values),
  ])[0] as TensorInfo;
}

/**
 * Appends a node whose output holds elements of its first input and nothing else, in the type in which that is stored:
 * rows gathered from bfloat16 weights stay bfloat16, and only they are widened where they are used.
 */
export function move<const Inputs extends readonly [TensorInfo, ...TensorInfo[]]>(
  backend: LazyBackend,
  kernelName: string,
  inputs: Inputs,
  attributes: Attrs,
  shape: readonly number[],
  emit: (graph: GraphBuilder, inputs: Values<Inputs>) => Value,
): TensorInfo {
  const { dtype } = inputs[0];
  const output = { shape, dtype, type: backend.storedType(inputs[0]) };
  const emitOne = (graph: GraphBuilder, values: Values<Inputs>): readonly Value[] => [emit(graph, values)];
  return computeAll(backend, kernelName, inputs, attributes, [output], emitOne, { raw: true })[0] as TensorInfo;
}

/** Appends a node with several outputs. Where there is nothing to compute, it makes empty tensors instead. */
export function computeAll<const Inputs extends readonly TensorInfo[]>(
  backend: LazyBackend,
  kernelName: string,
  inputs: Inputs,
  attributes: Attrs,
  outputs: readonly OutputSpec[],
  emit: (graph: GraphBuilder, inputs: Values<Inputs>) => readonly Value[],
  options?: { raw?: boolean },
): TensorInfo[] {
  if (outputs.every(({ shape }) => sizeOf(shape) === 0)) {
    return outputs.map(({ shape, dtype }) => backend.constant(emptyArray(dtype), [...shape], dtype));
  }
  // The backend passes as many values as there are inputs.
  return backend.append(
    kernelName,
    (graph, values) => emit(graph, values as Values<Inputs>),
    inputs,
    attributes,
    outputs,
    options,
  );
}

export function sizeOf(shape: readonly number[]): number {
  return util.sizeFromShape([...shape]);
}

/** The type that values of a tfjs dtype have in a graph. */
export function storedType(dtype: DataType): OnnxType {
  const type = storedTypeOrNull(dtype);
  if (type === null) throw new LoranError('DTYPE_UNSUPPORTED', 'A graph holds numbers, no strings.');
  return type;
}

function emptyArray(dtype: DataType): TypedArray {
  return dtype === 'int32' ? new Int32Array(0) : dtype === 'bool' ? new Uint8Array(0) : new Float32Array(0);
}
