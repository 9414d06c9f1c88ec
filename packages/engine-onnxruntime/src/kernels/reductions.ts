/**
 * Reductions over axes: sum, mean, product, extremes, any, all, and the positions of extremes.
 *
 * An empty reduction gives what it starts from: 0 for a sum, 1 for a product, ∓∞ for an extreme, NaN for a mean.
 */
import { backend_util, type DataType, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { cast, isNaN, where } from '../onnx/elementwise.js';
import type { GraphBuilder } from '../onnx/graph-builder.js';
import { full, reshape } from '../onnx/movement.js';
import { reduce, reducedShape, type Reduction } from '../onnx/reduction.js';
import { compute, defineKernel, sizeOf, storedType } from './define-kernel.js';
import type { KernelDefinition, Value } from './kernel.js';
import { store } from './unary.js';

interface ReductionKernel {
  readonly operator: Reduction;
  /** What the reduction of nothing gives. */
  readonly empty: number;
  readonly result: (dtype: DataType) => DataType;
}

const same = (dtype: DataType): DataType => dtype;
const accumulated = (dtype: DataType): DataType => backend_util.upcastType(dtype, 'int32');

const table: Readonly<Record<string, ReductionKernel>> = {
  Sum: { operator: 'ReduceSum', empty: 0, result: accumulated },
  Prod: { operator: 'ReduceProd', empty: 1, result: accumulated },
  Mean: { operator: 'ReduceMean', empty: NaN, result: () => 'float32' },
  Max: { operator: 'ReduceMax', empty: -Infinity, result: same },
  Min: { operator: 'ReduceMin', empty: Infinity, result: same },
  Any: { operator: 'ReduceMax', empty: 0, result: same },
  All: { operator: 'ReduceMin', empty: 1, result: same },
};

interface ReductionAttributes {
  readonly axis?: number | number[];
  readonly reductionIndices?: number | number[];
  readonly keepDims?: boolean;
}

export const reductionKernels: readonly KernelDefinition[] = [
  ...Object.entries(table).map(([name, { operator, empty, result }]) =>
    defineKernel<{ x: TensorInfo }, ReductionAttributes>(name, ({ x }, attributes, backend) => {
      const all = x.shape.map((_, axis) => axis); // tfjs leaves the axes out where it means every one
      const axes = util.parseAxisParam(attributes.axis ?? attributes.reductionIndices ?? all, x.shape);
      const keepDims = attributes.keepDims ?? false;
      const output = { shape: reducedShape(x.shape, axes, keepDims), dtype: result(x.dtype) };
      return compute(backend, name, [x], { axes, keepDims }, output, (graph, [value]) => {
        if (sizeOf(x.shape) === 0)
          return store(graph, full(graph, 'float32', empty, output.shape), storedType(output.dtype));
        const type = output.dtype === 'float32' ? 'float32' : 'int32';
        const reduced = reduceAll(graph, operator, cast(graph, value, type), axes);
        return store(graph, reshape(graph, reduced, output.shape), storedType(output.dtype));
      });
    }),
  ),
  ...(['ArgMax', 'ArgMin'] as const).map((name) =>
    defineKernel<{ x: TensorInfo }, { axis: number }>(name, ({ x }, attributes, backend) => {
      const axis = util.parseAxisParam(attributes.axis, x.shape)[0] ?? 0;
      const output = { shape: reducedShape(x.shape, [axis], false), dtype: 'int32' } as const;
      return compute(backend, name, [x], { axis }, output, (graph, [value]) => {
        if (sizeOf(x.shape) === 0) return full(graph, 'int32', 0, output.shape);
        const number = cast(graph, value, value.type === 'bool' ? 'int32' : value.type);
        // NaN counts as the last to be chosen.
        const least = graph.scalar('float32', name === 'ArgMax' ? -Infinity : Infinity);
        const comparable = number.type === 'float32' ? where(graph, isNaN(graph, number), least, number) : number;
        const position = graph.node(name, [comparable], { type: 'int64', shape: output.shape }, { axis, keepdims: 0 });
        return cast(graph, position, 'int32');
      });
    }),
  ),
];

/** An extreme of floats is NaN if one of them is, which the runtime's ReduceMax and ReduceMin do not see. */
function reduceAll(graph: GraphBuilder, operator: Reduction, x: Value, axes: readonly number[]): Value {
  const result = reduce(graph, operator, x, axes);
  if ((operator !== 'ReduceMax' && operator !== 'ReduceMin') || x.type !== 'float32' || axes.length === 0)
    return result;
  const any = (flags: Value, over: readonly number[]): Value => reduce(graph, 'ReduceMax', flags, over);
  const exact = (): Value =>
    where(graph, any(isNaN(graph, x), axes), graph.scalar('float32', NaN), reduce(graph, operator, x, axes));
  if (sizeOf(x.shape) < 4096) return exact();
  // Looking at every element takes ten times as long as the extreme itself. A sum is quick, and NaN if an element is; also
  // where both infinities meet, so that only says that it must be looked at.
  const sums = isNaN(graph, reduce(graph, 'ReduceSum', x, axes));
  const suspicious = any(
    sums,
    sums.shape.map((_, axis) => axis),
  );
  return graph.branch(suspicious, result, exact, () => result);
}
