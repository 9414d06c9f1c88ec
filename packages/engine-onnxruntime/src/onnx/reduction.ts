/**
 * Reductions over axes, and the matrix product.
 */
import type { Value } from '../kernels/kernel.js';
import { broadcast } from './elementwise.js';
import { type GraphBuilder, microsoft } from './graph-builder.js';
import { transpose } from './movement.js';

export type Reduction = 'ReduceSum' | 'ReduceMean' | 'ReduceMax' | 'ReduceMin' | 'ReduceProd';

/** The shape that is left when `axes` are reduced. */
export function reducedShape(shape: readonly number[], axes: readonly number[], keepDims: boolean): number[] {
  return shape.flatMap((length, axis) => (axes.includes(axis) ? (keepDims ? [1] : []) : [length]));
}

export function reduce(
  graph: GraphBuilder,
  operator: Reduction,
  x: Value,
  axes: readonly number[],
  keepDims = false,
): Value {
  if (axes.length === 0) return x;
  const output = { type: x.type, shape: reducedShape(x.shape, axes, keepDims) };
  return graph.node(operator, [x, graph.integers(axes)], output, { keepdims: keepDims ? 1 : 0 });
}

/**
 * Columns of a product from which on a transposed left side is worth writing out: it is read anew for each block of columns, a fifth
 * to a quarter slower than in its own order.
 */
const manyColumns = 256;

/** `a · b` over the last two axes, each transposed first if said so; the axes before them broadcast. */
export function matMul(graph: GraphBuilder, a: Value, b: Value, transposeA = false, transposeB = false): Value {
  const rows = a.shape.at(transposeA ? -1 : -2) ?? 1;
  const columns = b.shape.at(transposeB ? -2 : -1) ?? 1;
  const output = { type: a.type, shape: [...broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2)), rows, columns] };
  if (!transposeA && !transposeB) return graph.node('MatMul', [a, b], output);
  if (a.type !== 'float32') {
    const left = transposeA ? swapLast(graph, a) : a;
    return graph.node('MatMul', [left, transposeB ? swapLast(graph, b) : b], output);
  }
  if (transposeA && columns >= manyColumns) return matMul(graph, swapLast(graph, a), b, false, transposeB);
  const attributes = { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 };
  return graph.node('FusedMatMul', [a, b], output, attributes, microsoft);
}

/** `x` with its last two axes exchanged. */
function swapLast(graph: GraphBuilder, x: Value): Value {
  const rank = x.shape.length;
  const leading = x.shape.slice(0, -2).map((_, axis) => axis);
  return transpose(graph, x, [...leading, rank - 1, rank - 2]);
}
