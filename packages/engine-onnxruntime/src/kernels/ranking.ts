/**
 * Along one axis: softmax, the largest k, running sums and products, search in sorted rows.
 */
import { backend_util, type TensorInfo } from '@tensorflow/tfjs-core';
import { binary, cast, compare } from '../onnx/elementwise.js';
import type { GraphBuilder } from '../onnx/graph-builder.js';
import { concat, expandDims, full, reverse, sliceAxis } from '../onnx/movement.js';
import { reduce } from '../onnx/reduction.js';
import { compute, computeAll, defineKernel } from './define-kernel.js';
import type { KernelDefinition, Value } from './kernel.js';

interface ScanAttributes {
  readonly axis: number;
  readonly exclusive: boolean;
  readonly reverse: boolean;
}

export const rankingKernels: readonly KernelDefinition[] = [
  ...(['Softmax', 'LogSoftmax'] as const).map((name) =>
    defineKernel<{ logits: TensorInfo }>(name, ({ logits }, _, backend) =>
      compute(backend, name, [logits], {}, { shape: logits.shape, dtype: 'float32' }, (graph, [x]) => {
        const real = cast(graph, x, 'float32');
        return graph.node(name, [real], real, { axis: -1 });
      }),
    ),
  ),
  defineKernel<{ x: TensorInfo }, { k: number }>('TopK', ({ x }, { k }, backend) => {
    const shape = [...x.shape.slice(0, -1), k];
    const outputs = [
      { shape, dtype: x.dtype },
      { shape, dtype: 'int32' },
    ] as const;
    return computeAll(backend, 'TopK', [x], {}, outputs, (graph, [value]) => {
      const number = cast(graph, value, value.type === 'bool' ? 'int32' : value.type);
      const specs = [
        { type: number.type, shape },
        { type: 'int64', shape },
      ] as const;
      // Sorted whether asked or not: the runtime's order is arbitrary otherwise.
      const [values, indices] = graph.nodes('TopK', [number, graph.integers([k])], specs);
      return [cast(graph, values as Value, value.type), cast(graph, indices as Value, 'int32')];
    });
  }),
  ...(['Cumsum', 'Cumprod'] as const).map((name) =>
    defineKernel<{ x: TensorInfo }, ScanAttributes>(name, ({ x }, attributes, backend) => {
      const { axis, exclusive } = attributes;
      const output = { shape: x.shape, dtype: backend_util.upcastType(x.dtype, 'int32') };
      return compute(backend, name, [x], { axis, exclusive, reverse: attributes.reverse }, output, (graph, [value]) => {
        const number = cast(graph, value, value.type === 'bool' ? 'int32' : value.type);
        return name === 'Cumsum' ? runningSum(graph, number, attributes) : runningProduct(graph, number, attributes);
      });
    }),
  ),
  defineKernel<{ sortedSequence: TensorInfo; values: TensorInfo }, { side: 'left' | 'right' }>(
    'SearchSorted',
    ({ sortedSequence, values }, { side }, backend) => {
      const output = { shape: values.shape, dtype: 'int32' } as const;
      return compute(backend, 'SearchSorted', [sortedSequence, values], { side }, output, (graph, [sorted, wanted]) => {
        // As many places from the left as there are smaller (or equal) elements.
        const type = sorted.type === 'float32' || wanted.type === 'float32' ? 'float32' : 'int32';
        const elements = expandDims(graph, cast(graph, sorted, type), 1); // [batch, 1, length]
        const limits = expandDims(graph, cast(graph, wanted, type), 2); // [batch, values, 1]
        const below = compare(graph, side === 'left' ? 'Less' : 'LessOrEqual', elements, limits);
        return reduce(graph, 'ReduceSum', cast(graph, below, 'int32'), [2]);
      });
    },
  ),
];

function runningSum(graph: GraphBuilder, x: Value, { axis, exclusive, reverse: fromEnd }: ScanAttributes): Value {
  const options = { exclusive: exclusive ? 1 : 0, reverse: fromEnd ? 1 : 0 };
  return graph.node('CumSum', [x, graph.scalar('int32', axis)], x, options);
}

/** ONNX has no running product: each round multiplies by the partial products 1, 2, 4, … places before. */
function runningProduct(graph: GraphBuilder, x: Value, { axis, exclusive, reverse: fromEnd }: ScanAttributes): Value {
  const length = x.shape[axis] ?? 1;
  const shifted = (value: Value, places: number): Value => {
    const ones = full(
      graph,
      x.type,
      1,
      x.shape.map((size, at) => (at === axis ? places : size)),
    );
    return concat(graph, [ones, sliceAxis(graph, value, axis, 0, length - places)], axis);
  };
  let product = fromEnd ? reverse(graph, x, [axis]) : x;
  if (exclusive) product = shifted(product, 1);
  for (let places = 1; places < length; places *= 2) {
    product = binary(graph, 'Mul', product, shifted(product, places));
  }
  return fromEnd ? reverse(graph, product, [axis]) : product;
}
