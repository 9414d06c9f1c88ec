/**
 * Operators that move values without changing them: reshape, transpose, expand, slice, gather, concatenate, split, pad.
 */
import { util } from '@tensorflow/tfjs-core';
import type { Value } from '../kernels/kernel.js';
import type { GraphBuilder } from './graph-builder.js';

type Shape = readonly number[];

const equal = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((size, axis) => size === b[axis]);
const size = (shape: Shape): number => util.sizeFromShape([...shape]);

/** The same values in another shape: no copy, nothing at all where the shape is the same. */
export function reshape(graph: GraphBuilder, x: Value, shape: Shape): Value {
  // allowzero: a 0 in the shape means an empty axis, not "as in the input".
  if (equal(x.shape, shape)) return x;
  return graph.node('Reshape', [x, graph.integers(shape)], { type: x.type, shape }, { allowzero: 1 });
}

export function transpose(graph: GraphBuilder, x: Value, permutation: readonly number[]): Value {
  if (permutation.every((from, to) => from === to)) return x;
  const shape = permutation.map((axis) => x.shape[axis] ?? 1);
  // An order that moves only axes of size 1 is a reshape.
  const moved = permutation.filter((axis) => x.shape[axis] !== 1);
  if (moved.every((axis, at) => at === 0 || axis > (moved[at - 1] ?? 0))) return reshape(graph, x, shape);
  return graph.node('Transpose', [x], { type: x.type, shape }, { perm: permutation });
}

/** Repeats axes of size 1 until `x` has this shape. */
export function expand(graph: GraphBuilder, x: Value, shape: Shape): Value {
  if (equal(x.shape, shape)) return x;
  if (size(x.shape) === size(shape)) return reshape(graph, x, shape);
  return graph.node('Expand', [x, graph.integers(shape)], { type: x.type, shape });
}

/** A tensor full of one value. */
export function full(graph: GraphBuilder, type: Value['type'], value: number, shape: Shape): Value {
  return expand(graph, graph.scalar(type, value), shape);
}

/** `x[begin : begin + size]` on every axis. */
export function slice(graph: GraphBuilder, x: Value, begin: readonly number[], shape: Shape): Value {
  const axes = x.shape.map((_, axis) => axis).filter((axis) => shape[axis] !== x.shape[axis]);
  if (axes.length === 0) return x;
  const starts = axes.map((axis) => begin[axis] ?? 0);
  const ends = axes.map((axis) => (begin[axis] ?? 0) + (shape[axis] ?? 0));
  return graph.node('Slice', [x, graph.integers(starts), graph.integers(ends), graph.integers(axes)], {
    type: x.type,
    shape,
  });
}

/** One position or range of one axis; the axis stays. */
export function sliceAxis(graph: GraphBuilder, x: Value, axis: number, begin: number, length: number): Value {
  const starts = x.shape.map((_, at) => (at === axis ? begin : 0));
  return slice(graph, x, starts, replace(x.shape, axis, length));
}

/** `x` turned round on some axes. */
export function reverse(graph: GraphBuilder, x: Value, axes: readonly number[]): Value {
  const turned = axes.filter((axis) => (x.shape[axis] ?? 0) > 1);
  if (turned.length === 0) return x;
  const all = (value: number): Value => graph.integers(turned.map(() => value));
  const beforeStart = -(2 ** 31); // an end before the first element
  return graph.node('Slice', [x, all(-1), all(beforeStart), graph.integers(turned), all(-1)], x);
}

/** `x[..., indices, ...]` on one axis. */
export function gather(graph: GraphBuilder, x: Value, indices: Value, axis: number): Value {
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  return graph.node('Gather', [x, indices], { type: x.type, shape }, { axis });
}

export function concat(graph: GraphBuilder, values: readonly Value[], axis: number): Value {
  const [first, ...rest] = values.filter(({ shape }) => size(shape) > 0);
  if (first === undefined) return values[0] as Value;
  if (rest.length === 0) return first;
  const length = rest.reduce((sum, { shape }) => sum + (shape[axis] ?? 0), first.shape[axis] ?? 0);
  return graph.node(
    'Concat',
    [first, ...rest],
    { type: first.type, shape: replace(first.shape, axis, length) },
    { axis },
  );
}

/** Along a new axis. */
export function stack(graph: GraphBuilder, values: readonly Value[], axis: number): Value {
  return concat(
    graph,
    values.map((value) => expandDims(graph, value, axis)),
    axis,
  );
}

export function split(graph: GraphBuilder, x: Value, sizes: readonly number[], axis: number): Value[] {
  if (sizes.length === 1) return [x];
  const outputs = sizes.map((length) => ({ type: x.type, shape: replace(x.shape, axis, length) }));
  return graph.nodes('Split', [x, graph.integers(sizes)], outputs, { axis });
}

export function expandDims(graph: GraphBuilder, x: Value, axis: number): Value {
  return reshape(graph, x, [...x.shape.slice(0, axis), 1, ...x.shape.slice(axis)]);
}

/** Surrounds `x` with `value`. */
export function pad(graph: GraphBuilder, x: Value, paddings: readonly Shape[], value = 0): Value {
  const before = paddings.map(([first]) => first ?? 0);
  const after = paddings.map(([, last]) => last ?? 0);
  if ([...before, ...after].every((count) => count === 0)) return x;
  const shape = x.shape.map((length, axis) => length + (before[axis] ?? 0) + (after[axis] ?? 0));
  const inputs = [x, graph.integers([...before, ...after]), graph.scalar(x.type, value)];
  return graph.node('Pad', inputs, { type: x.type, shape });
}

/** The positions 0, 1, …, length − 1. */
export function positions(graph: GraphBuilder, type: 'int32' | 'int64' | 'float32', length: number): Value {
  return graph.node('Range', [graph.scalar(type, 0), graph.scalar(type, length), graph.scalar(type, 1)], {
    type,
    shape: [length],
  });
}

/** `shape` with another length on one axis. */
export function replace(shape: Shape, axis: number, length: number): number[] {
  return shape.map((old, at) => (at === axis ? length : old));
}
