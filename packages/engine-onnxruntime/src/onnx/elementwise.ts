/**
 * Elementwise operators on graph values: shapes broadcast as in NumPy, types follow the first input.
 */
import { backend_util } from '@tensorflow/tfjs-core';
import { type OnnxAttributes, onnxTypes } from '@loran/formats';
import type { OnnxType, Value } from '../kernels/kernel.js';
import type { GraphBuilder } from './graph-builder.js';

/** Appends an elementwise operator; `type` is its result's. */
export function elementwise(
  graph: GraphBuilder,
  operator: string,
  inputs: readonly [Value, ...Value[]],
  type: OnnxType = inputs[0].type,
  attributes?: OnnxAttributes,
): Value {
  let shape: readonly number[] = inputs[0].shape;
  for (const input of inputs) shape = broadcast(shape, input.shape);
  return graph.node(operator, inputs, { type, shape }, attributes);
}

export function broadcast(a: readonly number[], b: readonly number[]): number[] {
  return backend_util.assertAndGetBroadcastShape([...a], [...b]);
}

export type BinaryOperator =
  'Add' | 'Sub' | 'Mul' | 'Div' | 'Pow' | 'Max' | 'Min' | 'Mod' | 'And' | 'Or' | 'BitwiseAnd' | 'BitwiseXor';

export function binary(graph: GraphBuilder, operator: BinaryOperator, a: Value, b: Value): Value {
  return elementwise(graph, operator, [a, b]);
}

/** With a constant on the right, of the type of `x`. */
export function withScalar(graph: GraphBuilder, operator: BinaryOperator, x: Value, scalar: number): Value {
  return elementwise(graph, operator, [x, graph.scalar(x.type, scalar)]);
}

export type Comparison = 'Equal' | 'Less' | 'LessOrEqual' | 'Greater' | 'GreaterOrEqual';

export function compare(graph: GraphBuilder, operator: Comparison, a: Value, b: Value | number): Value {
  return elementwise(graph, operator, [a, typeof b === 'number' ? graph.scalar(a.type, b) : b], 'bool');
}

export function not(graph: GraphBuilder, x: Value): Value {
  return elementwise(graph, 'Not', [x]);
}

export function isNaN(graph: GraphBuilder, x: Value): Value {
  return elementwise(graph, 'IsNaN', [x], 'bool');
}

/** `x` held between two bounds; NaN stays. */
export function clip(graph: GraphBuilder, x: Value, low: number, high: number): Value {
  return graph.node('Clip', [x, graph.scalar(x.type, low), graph.scalar(x.type, high)], x);
}

/** `x` as another type, by ONNX's rules; nothing where it has that type. Fractions are cut, NaN is true. */
export function cast(graph: GraphBuilder, x: Value, type: OnnxType): Value {
  return x.type === type ? x : elementwise(graph, 'Cast', [x], type, { to: onnxTypes[type] });
}

/**
 * As JavaScript stores numbers in an Int32Array: fractions cut, NaN and infinities 0, the rest modulo 2^32.
 * Through int64, whose conversion turns what does not fit into -2^63: its low 32 bits are 0.
 */
export function toInt32(graph: GraphBuilder, x: Value): Value {
  if (x.type !== 'float32') return cast(graph, x, 'int32');
  // The runtime merges two casts in a row, whatever it is told; the mask that changes no bit keeps them apart.
  return cast(graph, withScalar(graph, 'BitwiseAnd', cast(graph, x, 'int64'), -1), 'int32');
}

/** `a` where `condition` is true, else `b`. What is not chosen has no influence, NaN neither. */
export function where(graph: GraphBuilder, condition: Value, a: Value, b: Value): Value {
  if (a.type !== 'bool') return elementwise(graph, 'Where', [condition, a, b], a.type);
  // The runtime selects no booleans; they are selected by logic.
  return binary(graph, 'Or', binary(graph, 'And', condition, a), binary(graph, 'And', not(graph, condition), b));
}
