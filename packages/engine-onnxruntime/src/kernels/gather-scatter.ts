/**
 * Reading and writing at positions that are values: gather, scatter, segment sums, one-hot rows, counts.
 *
 * Positions outside are an error to gather from (the runtime's), ignored by segment sums and one-hot rows, as in tfjs.
 */
import { backend_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { binary, cast, compare, where } from '../onnx/elementwise.js';
import type { GraphBuilder } from '../onnx/graph-builder.js';
import { expand, full, gather, reshape, transpose } from '../onnx/movement.js';
import { compute, defineKernel, sizeOf, storedShape, storedType } from './define-kernel.js';
import type { KernelDefinition, LazyBackend, OutputSpec, Value } from './kernel.js';

interface Scatter {
  readonly indices: TensorInfo;
  readonly updates: TensorInfo;
}

interface CountInputs {
  readonly x: TensorInfo;
  readonly weights: TensorInfo;
}

export const gatherScatterKernels: readonly KernelDefinition[] = [
  defineKernel<{ x: TensorInfo; indices: TensorInfo }, { axis: number; batchDims: number }>(
    'GatherV2',
    ({ x, indices }, attributes, backend) => {
      const { batchDims } = attributes;
      const axis = util.parseAxisParam(attributes.axis, x.shape)[0] ?? 0;
      const info = backend_util.segment_util.collectGatherOpShapeInfo(
        x as never,
        indices as never,
        axis,
        batchDims ?? 0,
      );
      const output = { shape: info.outputShape, dtype: x.dtype };
      return compute(backend, 'GatherV2', [x, indices], { axis, batchDims }, output, (graph, [values, at]) => {
        const index = nonNegative(graph, cast(graph, at, 'int32'));
        if (info.batchSize === 1) {
          const flat = reshape(graph, index, indices.shape.slice(batchDims));
          return reshape(graph, gather(graph, values, flat, axis), storedShape(output.shape, x.dtype));
        }
        return gatherBatches(graph, values, index, info, storedShape(output.shape, x.dtype));
      });
    },
  ),
  defineKernel<{ params: TensorInfo; indices: TensorInfo }>('GatherNd', ({ params, indices }, _, backend) => {
    const [shape] = backend_util.prepareAndValidate(params as never, indices as never);
    const output = { shape, dtype: params.dtype };
    return compute(backend, 'GatherNd', [params, indices], {}, output, (graph, [values, at]) => {
      const type = values.type;
      return graph.node('GatherND', [values, cast(graph, at, 'int64')], {
        type,
        shape: storedShape(shape, params.dtype),
      });
    });
  }),
  defineKernel<Scatter, { shape: number[] }>('ScatterNd', ({ indices, updates }, { shape }, backend) => {
    const output = { shape, dtype: updates.dtype };
    return compute(backend, 'ScatterNd', [indices, updates], {}, output, (graph, [at, values]) =>
      scatter(graph, full(graph, values.type, 0, shape), at, values, 'add'),
    );
  }),
  defineKernel<Scatter & { tensor: TensorInfo }>('TensorScatterUpdate', ({ tensor, indices, updates }, _, backend) => {
    const output = { shape: tensor.shape, dtype: tensor.dtype };
    return compute(backend, 'TensorScatterUpdate', [tensor, indices, updates], {}, output, (graph, [x, at, values]) =>
      scatter(graph, x, at, values, 'none'),
    );
  }),
  defineKernel<
    { sparseIndices: TensorInfo; sparseValues: TensorInfo; defaultValue: TensorInfo },
    { outputShape: number[] }
  >('SparseToDense', ({ sparseIndices, sparseValues, defaultValue }, { outputShape }, backend) => {
    const inputs = [sparseIndices, sparseValues, defaultValue] as const;
    const output = { shape: outputShape, dtype: sparseValues.dtype };
    const { sliceRank, numUpdates } = backend_util.calculateShapes(
      sparseValues as never,
      sparseIndices as never,
      outputShape,
    );
    return compute(backend, 'SparseToDense', inputs, {}, output, (graph, [at, values, rest]) => {
      const empty = expand(graph, cast(graph, rest, values.type), outputShape);
      const index = reshape(graph, at, [numUpdates, sliceRank]);
      return scatter(graph, empty, index, expand(graph, values, [numUpdates]), 'none');
    });
  }),
  defineKernel<{ x: TensorInfo; segmentIds: TensorInfo }, { numSegments: number }>(
    'UnsortedSegmentSum',
    ({ x, segmentIds }, { numSegments }, backend) => {
      const width = x.shape.slice(segmentIds.shape.length);
      const output = { shape: [numSegments, ...width], dtype: x.dtype };
      return compute(backend, 'UnsortedSegmentSum', [x, segmentIds], {}, output, (graph, [values, ids]) =>
        segmentSum(graph, values, ids, output),
      );
    },
  ),
  defineKernel<{ indices: TensorInfo }, OneHotAttributes>('OneHot', oneHot),
  defineKernel<CountInputs, { size: number }>('Bincount', ({ x, weights }, { size }, backend) => {
    const output = { shape: [size], dtype: weights.dtype };
    return compute(backend, 'Bincount', [x, weights], {}, output, (graph, [values, amounts]) => {
      const flat = reshape(graph, values, [sizeOf(x.shape)]);
      return count(graph, flat, reshape(graph, amounts, [sizeOf(weights.shape)]), output.shape, false);
    });
  }),
  defineKernel<CountInputs, { size: number; binaryOutput: boolean }>(
    'DenseBincount',
    ({ x, weights }, { size, binaryOutput }, backend) => {
      const output = { shape: [...x.shape.slice(0, -1), size], dtype: weights.dtype };
      return compute(backend, 'DenseBincount', [x, weights], { binaryOutput }, output, (graph, [values, amounts]) =>
        count(graph, values, amounts, output.shape, binaryOutput),
      );
    },
  ),
];

type GatherInfo = ReturnType<typeof backend_util.segment_util.collectGatherOpShapeInfo>;

/** The runtime counts negative indices from the end; here they are an error, as every other index outside. */
function nonNegative(graph: GraphBuilder, index: Value): Value {
  return where(graph, compare(graph, 'Less', index, 0), graph.scalar('int32', 2 ** 31 - 1), index);
}

/** Gathers in each batch at its own indices: one gather from all batches laid behind each other. */
function gatherBatches(
  graph: GraphBuilder,
  x: Value,
  indices: Value,
  info: GatherInfo,
  shape: readonly number[],
): Value {
  const { batchSize, outerSize, dimSize } = info;
  const width = sizeOf(x.shape) / (batchSize * outerSize * dimSize);
  const grouped = transpose(graph, reshape(graph, x, [batchSize, outerSize, dimSize, width]), [0, 2, 1, 3]);
  const rows = reshape(graph, grouped, [batchSize * dimSize, outerSize * width]);
  const starts = graph.constant(
    'int32',
    Array.from({ length: batchSize }, (_, batch) => batch * dimSize),
    [batchSize, 1],
  );
  const perBatch = sizeOf(indices.shape) / batchSize;
  const at = binary(graph, 'Add', reshape(graph, indices, [batchSize, perBatch]), starts);
  const found = reshape(graph, gather(graph, rows, at, 0), [batchSize, perBatch, outerSize, width]);
  return reshape(graph, transpose(graph, found, [0, 2, 1, 3]), shape);
}

/** `x` with `updates` written at (or added to) the positions that the rows of `indices` name. */
function scatter(graph: GraphBuilder, x: Value, indices: Value, updates: Value, reduction: 'none' | 'add'): Value {
  if (sizeOf(indices.shape) === 0 || sizeOf(updates.shape) === 0) return x;
  const depth = indices.shape.at(-1) ?? 1;
  const rows = indices.shape.length < 2 ? reshape(graph, indices, [sizeOf(indices.shape), 1]) : indices;
  const width = x.shape.slice(indices.shape.length < 2 ? 1 : depth);
  const values = reshape(graph, cast(graph, updates, x.type), [...rows.shape.slice(0, -1), ...width]);
  return graph.node('ScatterND', [x, cast(graph, rows, 'int64'), values], x, { reduction });
}

/** Rows of `x` added up by the segment that `ids` puts each in. */
function segmentSum(graph: GraphBuilder, x: Value, ids: Value, { shape }: OutputSpec): Value {
  const rows = sizeOf(ids.shape);
  const zeros = full(graph, x.type, 0, shape);
  if (rows === 0) return zeros;
  const width = sizeOf(shape.slice(1));
  const number = cast(graph, ids, 'int32');
  const inside = reshape(graph, within(graph, number, shape[0] ?? 0), [rows, 1]);
  // A row of no segment is added as zeros to the first.
  const index = where(graph, inside, reshape(graph, number, [rows, 1]), graph.scalar('int32', 0));
  const values = where(graph, inside, reshape(graph, x, [rows, width]), graph.scalar(x.type, 0));
  return scatter(graph, zeros, index, reshape(graph, values, [rows, ...shape.slice(1)]), 'add');
}

interface OneHotAttributes {
  readonly dtype?: TensorInfo['dtype'];
  readonly depth: number;
  readonly onValue: number;
  readonly offValue: number;
}

function oneHot({ indices }: { indices: TensorInfo }, attributes: OneHotAttributes, backend: LazyBackend): TensorInfo {
  const { dtype = 'int32', depth, onValue, offValue } = attributes;
  const output = { shape: [...indices.shape, depth], dtype };
  return compute(backend, 'OneHot', [indices], { onValue, offValue }, output, (graph, [index]) => {
    const type = storedType(dtype);
    const axis = indices.shape.length;
    const column = reshape(graph, cast(graph, index, 'int32'), [...indices.shape, 1]);
    const inside = within(graph, column, depth);
    // An index outside writes the value of everything else to the first place.
    const at = where(graph, inside, column, graph.scalar('int32', 0));
    const on = where(graph, inside, graph.scalar(type, onValue), graph.scalar(type, offValue));
    // Scattering is five times as fast as the runtime's OneHot.
    return scatterElements(graph, full(graph, type, offValue, output.shape), at, on, axis, 'none');
  });
}

/** How often each number below `size` occurs in a row, weighted; or whether it does. */
function count(graph: GraphBuilder, x: Value, weights: Value, shape: readonly number[], binaryOutput: boolean): Value {
  const type = weights.type;
  const zeros = full(graph, type, 0, shape);
  if (sizeOf(x.shape) === 0) return zeros;
  const value = cast(graph, x, 'int32');
  const inside = within(graph, value, shape.at(-1) ?? 0);
  const at = where(graph, inside, value, graph.scalar('int32', 0));
  const weighted = sizeOf(weights.shape) > 0 && !binaryOutput;
  const amount = where(graph, inside, weighted ? weights : full(graph, type, 1, x.shape), graph.scalar(type, 0));
  return scatterElements(graph, zeros, at, amount, shape.length - 1, binaryOutput ? 'max' : 'add');
}

function within(graph: GraphBuilder, index: Value, length: number): Value {
  return binary(graph, 'And', compare(graph, 'GreaterOrEqual', index, 0), compare(graph, 'Less', index, length));
}

function scatterElements(
  graph: GraphBuilder,
  x: Value,
  indices: Value,
  updates: Value,
  axis: number,
  reduction: 'none' | 'add' | 'max',
): Value {
  return graph.node('ScatterElements', [x, indices, updates], x, { axis, reduction });
}
