/**
 * Tensors made from numbers: filled, zeros, ones, ranges.
 *
 * Numbers that may change from step to step enter the graph as values, not as attributes, so that nothing is compiled again.
 */
import { type DataType, type NumericDataType, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { cast } from '../onnx/elementwise.js';
import type { GraphBuilder } from '../onnx/graph-builder.js';
import { expand, full } from '../onnx/movement.js';
import { toComplex } from './complex.js';
import { compute, defineKernel, sizeOf, storedShape, storedType } from './define-kernel.js';
import type { KernelDefinition, LazyBackend } from './kernel.js';

interface FillAttributes {
  readonly shape: number[];
  readonly value: number | string;
  readonly dtype?: DataType;
}

interface RangeAttributes {
  readonly start: number;
  readonly stop: number;
  readonly step: number;
  readonly dtype: 'float32' | 'int32';
}

export const fillKernels: readonly KernelDefinition[] = [
  defineKernel<object, FillAttributes>('Fill', (_, { shape, value, dtype }, backend) =>
    fill(backend, shape, value, dtype ?? (typeof value === 'string' ? 'string' : 'float32')),
  ),
  defineKernel<{ x: TensorInfo }>('ZerosLike', ({ x }, _, backend) => {
    if (x.dtype === 'string') return fill(backend, x.shape, '', 'string');
    return filled(backend, 'ZerosLike', x, (graph) =>
      full(graph, storedType(x.dtype), 0, storedShape(x.shape, x.dtype)),
    );
  }),
  defineKernel<{ x: TensorInfo }>('OnesLike', ({ x }, _, backend) =>
    filled(backend, 'OnesLike', x, (graph) => {
      const ones = full(graph, storedType(x.dtype), 1, x.shape);
      return x.dtype === 'complex64' ? toComplex(graph, ones) : ones;
    }),
  ),
  defineKernel<object, RangeAttributes>('Range', (_, attributes, backend) => {
    const values = range(attributes);
    return backend.constant(values, [values.length], attributes.dtype);
  }),
  defineKernel<object, { start: number; stop: number; num: number }>('LinSpace', (_, { start, stop, num }, backend) => {
    const values = new Float32Array(num);
    const step = (stop - start) / (num - 1);
    for (let i = 0; i < num; i++) values[i] = i === 0 ? start : (values[i - 1] ?? 0) + step;
    return backend.constant(values, [num], 'float32');
  }),
  defineKernel<{ x: TensorInfo }, { clipValueMin: number; clipValueMax: number }>(
    'ClipByValue',
    ({ x }, { clipValueMin, clipValueMax }, backend) => {
      const bounds = [clipValueMin, clipValueMax].map((bound) => scalar(backend, bound, 'float32'));
      const [low, high] = bounds as [TensorInfo, TensorInfo];
      const output = { shape: x.shape, dtype: x.dtype };
      const result = compute(backend, 'ClipByValue', [x, low, high], {}, output, (graph, [value, from, to]) => {
        const number = value.type === 'bool' ? cast(graph, value, 'int32') : value;
        const clipped = graph.node(
          'Clip',
          [number, cast(graph, from, number.type), cast(graph, to, number.type)],
          number,
        );
        return cast(graph, clipped, value.type);
      });
      for (const bound of bounds) backend.release(bound);
      return result;
    },
  ),
];

function fill(backend: LazyBackend, shape: number[], value: number | string, dtype: DataType): TensorInfo {
  if (typeof value === 'string') {
    const text = util.encodeString(value);
    return backend.constant(
      Array.from({ length: sizeOf(shape) }, () => text),
      shape,
      dtype,
    );
  }
  if (sizeOf(shape) === 1)
    return backend.constant(util.makeZerosTypedArray(1, dtype as NumericDataType).fill(value), shape, dtype);
  if (value === 0 || value === 1) {
    return filled(backend, 'Fill', { shape, dtype }, (graph) => full(graph, storedType(dtype), value, shape), value);
  }
  const level = scalar(backend, value, dtype);
  const result = compute(backend, 'Fill', [level], {}, { shape, dtype }, (graph, [x]) => expand(graph, x, shape));
  backend.release(level);
  return result;
}

/** A node without inputs, whose values never change. */
function filled(
  backend: LazyBackend,
  kernelName: string,
  { shape, dtype }: { shape: number[]; dtype: DataType },
  emit: (graph: GraphBuilder) => ReturnType<typeof full>,
  value?: number,
): TensorInfo {
  return compute(backend, kernelName, [], { value }, { shape, dtype }, emit);
}

function scalar(backend: LazyBackend, value: number, dtype: DataType): TensorInfo {
  return backend.constant(util.makeZerosTypedArray(1, dtype as NumericDataType).fill(value), [], dtype);
}

/** start, start + step, … before stop; a step of 1 is turned round where stop lies below. */
function range({ start, stop, step, dtype }: RangeAttributes): Float32Array | Int32Array {
  const empty = start === stop || (start < stop && step < 0) || (stop < start && step > 1);
  const values = util.makeZerosTypedArray(empty ? 0 : Math.abs(Math.ceil((stop - start) / step)), dtype);
  const stride = stop < start && step === 1 ? -1 : step;
  // Added up in the tensor's own precision, as tfjs does.
  for (let i = 0; i < values.length; i++) values[i] = i === 0 ? start : (values[i - 1] ?? 0) + stride;
  return values;
}
