/**
 * Reading at positions that are values. A position outside is an error of the runtime, which comes with the result's first read.
 */
import { backend_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { binary, cast, compare, where } from '../onnx/elementwise.js';
import type { GraphBuilder } from '../onnx/graph-builder.js';
import { gather, reshape, transpose } from '../onnx/movement.js';
import { defineKernel, move, sizeOf, storedShape } from './define-kernel.js';
import type { KernelDefinition, Value } from './kernel.js';

export const gatherKernels: readonly KernelDefinition[] = [
  defineKernel<{ x: TensorInfo; indices: TensorInfo }, { axis: number; batchDims: number }>(
    'GatherV2',
    ({ x, indices }, attributes, backend) => {
      const { batchDims } = attributes;
      const axis = util.parseAxisParam(attributes.axis, x.shape)[0] ?? 0;
      const { collectGatherOpShapeInfo } = backend_util.segment_util;
      const info = collectGatherOpShapeInfo(x as never, indices as never, axis, batchDims);
      const shape = storedShape(info.outputShape, x.dtype);
      return move(backend, 'GatherV2', [x, indices], { axis, batchDims }, info.outputShape, (graph, [values, at]) => {
        const index = nonNegative(graph, at);
        if (info.batchSize > 1) return gatherBatches(graph, values, index, info, shape);
        return reshape(
          graph,
          gather(graph, values, reshape(graph, index, indices.shape.slice(batchDims)), axis),
          shape,
        );
      });
    },
  ),
  defineKernel<{ params: TensorInfo; indices: TensorInfo }>('GatherNd', ({ params, indices }, _, backend) => {
    const [shape] = backend_util.prepareAndValidate(params as never, indices as never);
    return move(backend, 'GatherNd', [params, indices], {}, shape, (graph, [values, at]) => {
      const inputs = [values, cast(graph, nonNegative(graph, at), 'int64')];
      return graph.node('GatherND', inputs, { type: values.type, shape: storedShape(shape, params.dtype) });
    });
  }),
];

/** The runtime counts negative indices from the end; here they are outside, as in tfjs. */
function nonNegative(graph: GraphBuilder, index: Value): Value {
  const number = cast(graph, index, 'int32');
  if (index.type === 'uint8' || index.type === 'bool') return number;
  return where(graph, compare(graph, 'Less', number, 0), graph.scalar('int32', 2 ** 31 - 1), number);
}

type GatherInfo = ReturnType<typeof backend_util.segment_util.collectGatherOpShapeInfo>;

/** Gathers in each batch at its own indices: one gather from all batches laid behind each other. */
function gatherBatches(
  graph: GraphBuilder,
  x: Value,
  indices: Value,
  { batchSize, outerSize, dimSize }: GatherInfo,
  shape: readonly number[],
): Value {
  const width = sizeOf(x.shape) / (batchSize * outerSize * dimSize);
  const grouped = transpose(graph, reshape(graph, x, [batchSize, outerSize, dimSize, width]), [0, 2, 1, 3]);
  const rows = reshape(graph, grouped, [batchSize * dimSize, outerSize * width]);
  const firsts = Array.from({ length: batchSize }, (_, batch) => batch * dimSize);
  const perBatch = sizeOf(indices.shape) / batchSize;
  const local = reshape(graph, indices, [batchSize, perBatch]);
  const at = binary(graph, 'Add', local, graph.constant('int32', firsts, [batchSize, 1]));
  const found = reshape(graph, gather(graph, rows, at, 0), [batchSize, perBatch, outerSize, width]);
  return reshape(graph, transpose(graph, found, [0, 2, 1, 3]), shape);
}
