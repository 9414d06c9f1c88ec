/**
 * Writing and adding at positions that are values: scatter, segment sums, sparse to dense.
 *
 * What is added goes through ScatterElements, which works on one thread and in order. ONNX Runtime 1.30's
 * ScatterND(reduction = add) adds from several threads without care: rows that meet at one place lose sums now and then.
 */
import { backend_util, type TensorInfo } from '@tensorflow/tfjs-core';
import { binary, cast, compare, where } from '../onnx/elementwise.js';
import type { GraphBuilder } from '../onnx/graph-builder.js';
import { expand, full, reshape } from '../onnx/movement.js';
import { reduce } from '../onnx/reduction.js';
import { compute, defineKernel, sizeOf } from './define-kernel.js';
import type { KernelDefinition, Value } from './kernel.js';

interface Scatter {
  readonly indices: TensorInfo;
  readonly updates: TensorInfo;
}

interface SparseTensor {
  readonly sparseIndices: TensorInfo;
  readonly sparseValues: TensorInfo;
  readonly defaultValue: TensorInfo;
}

export const scatterKernels: readonly KernelDefinition[] = [
  defineKernel<Scatter, { shape: number[] }>('ScatterNd', ({ indices, updates }, { shape }, backend) => {
    const output = { shape, dtype: updates.dtype };
    return compute(backend, 'ScatterNd', [indices, updates], {}, output, (graph, [at, values]) => {
      const rows = asRows(graph, at);
      const depth = rows.shape[1] ?? 1;
      const leading = shape.slice(0, depth);
      const width = sizeOf(shape.slice(depth));
      const flat = [sizeOf(leading), width];
      const updated = reshape(graph, values, [rows.shape[0] ?? 0, width]);
      return reshape(graph, addRows(graph, flat, flatten(graph, rows, leading), updated), shape);
    });
  }),
  defineKernel<Scatter & { tensor: TensorInfo }>('TensorScatterUpdate', ({ tensor, indices, updates }, _, backend) =>
    compute(backend, 'TensorScatterUpdate', [tensor, indices, updates], {}, tensor, (graph, [x, at, values]) =>
      write(graph, x, asRows(graph, at), values),
    ),
  ),
  defineKernel<SparseTensor, { outputShape: number[] }>('SparseToDense', (inputs, { outputShape }, backend) => {
    const { sparseIndices, sparseValues, defaultValue } = inputs;
    const output = { shape: outputShape, dtype: sparseValues.dtype };
    const { sliceRank, numUpdates } = backend_util.calculateShapes(
      sparseValues as never,
      sparseIndices as never,
      outputShape,
    );
    const tensors = [sparseIndices, sparseValues, defaultValue] as const;
    return compute(backend, 'SparseToDense', tensors, {}, output, (graph, [at, values, rest]) => {
      const empty = expand(graph, cast(graph, rest, values.type), outputShape);
      return write(graph, empty, reshape(graph, at, [numUpdates, sliceRank]), expand(graph, values, [numUpdates]));
    });
  }),
  defineKernel<{ x: TensorInfo; segmentIds: TensorInfo }, { numSegments: number }>(
    'UnsortedSegmentSum',
    ({ x, segmentIds }, { numSegments }, backend) => {
      const shape = [numSegments, ...x.shape.slice(segmentIds.shape.length)];
      const output = { shape, dtype: x.dtype };
      return compute(backend, 'UnsortedSegmentSum', [x, segmentIds], {}, output, (graph, [values, ids]) => {
        const rows = sizeOf(ids.shape);
        const width = sizeOf(shape.slice(1));
        const index = reshape(graph, cast(graph, ids, 'int32'), [rows]);
        // A row of no segment is added as zeros to the first.
        const inside = within(graph, index, numSegments);
        const column = reshape(graph, inside, [rows, 1]);
        const summands = where(graph, column, reshape(graph, values, [rows, width]), graph.scalar(values.type, 0));
        const place = where(graph, inside, index, graph.scalar('int32', 0));
        return reshape(graph, addRows(graph, [numSegments, width], place, summands), shape);
      });
    },
  ),
];

/** Zeros [rows, width] with each row of `updates` [n, width] added to the row that `index` [n] names. */
export function addRows(graph: GraphBuilder, shape: readonly number[], index: Value, updates: Value): Value {
  const zeros = full(graph, updates.type, 0, shape);
  if (sizeOf(updates.shape) === 0) return zeros;
  const at = expand(graph, reshape(graph, index, [index.shape[0] ?? 0, 1]), updates.shape);
  return graph.node('ScatterElements', [zeros, at, updates], zeros, { axis: 0, reduction: 'add' });
}

/** Whether an index lies in [0, length). */
export function within(graph: GraphBuilder, index: Value, length: number): Value {
  return binary(graph, 'And', compare(graph, 'GreaterOrEqual', index, 0), compare(graph, 'Less', index, length));
}

/** Index tuples as [n, depth]; a vector is one tuple each of depth 1. */
function asRows(graph: GraphBuilder, indices: Value): Value {
  const depth = indices.shape.length < 2 ? 1 : (indices.shape.at(-1) ?? 1);
  return reshape(graph, cast(graph, indices, 'int32'), [sizeOf(indices.shape) / depth, depth]);
}

/** The position of each index tuple in axes laid out flat; one outside gives a position outside, and so an error. */
function flatten(graph: GraphBuilder, rows: Value, axes: readonly number[]): Value {
  const strides = axes.map((_, axis) => sizeOf(axes.slice(axis + 1)));
  const places = binary(graph, 'Mul', rows, graph.constant('int32', strides, [1, axes.length]));
  const flat = reduce(graph, 'ReduceSum', places, [1]);
  const limits = graph.constant('int32', axes, [1, axes.length]);
  const inside = binary(graph, 'And', compare(graph, 'GreaterOrEqual', rows, 0), compare(graph, 'Less', rows, limits));
  const all = reduce(graph, 'ReduceMin', inside, [1]);
  return where(graph, all, flat, graph.scalar('int32', 2 ** 31 - 1));
}

/** `x` with `updates` in place of what the rows of `indices` name. */
function write(graph: GraphBuilder, x: Value, rows: Value, updates: Value): Value {
  const [count = 0, depth = 1] = rows.shape;
  if (count === 0 || sizeOf(updates.shape) === 0) return x;
  const values = reshape(graph, cast(graph, updates, x.type), [count, ...x.shape.slice(depth)]);
  return graph.node('ScatterND', [x, cast(graph, rows, 'int64'), values], x);
}
