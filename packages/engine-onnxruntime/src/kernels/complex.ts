/**
 * complex64 tensors and the Fourier transform.
 *
 * A complex64 tensor of shape s is stored as float32 of shape [...s, 2], real and imaginary part side by side, which is
 * also the order in which tfjs hands out its values.
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { binary, broadcast, cast, compare, elementwise, where } from '../onnx/elementwise.js';
import type { GraphBuilder } from '../onnx/graph-builder.js';
import { full, reshape, sliceAxis, stack } from '../onnx/movement.js';
import { reduce } from '../onnx/reduction.js';
import { compute, defineKernel, sizeOf } from './define-kernel.js';
import type { KernelDefinition, LazyBackend, Value } from './kernel.js';

const realPart = (graph: GraphBuilder, x: Value): Value => part(graph, x, 0);
const imaginaryPart = (graph: GraphBuilder, x: Value): Value => part(graph, x, 1);

export const complexKernels: readonly KernelDefinition[] = [
  defineKernel<{ real: TensorInfo; imag: TensorInfo }>('Complex', ({ real, imag }, _, backend) =>
    compute(backend, 'Complex', [real, imag], {}, { shape: real.shape, dtype: 'complex64' }, (graph, parts) =>
      fromParts(graph, parts[0], parts[1]),
    ),
  ),
  ...Object.entries({ Real: realPart, Imag: imaginaryPart }).map(([name, select]) =>
    defineKernel<{ input: TensorInfo }>(name, ({ input }, _, backend) =>
      compute(backend, name, [input], {}, { shape: input.shape, dtype: 'float32' }, (graph, [x]) => select(graph, x)),
    ),
  ),
  defineKernel<{ x: TensorInfo }>('ComplexAbs', ({ x }, _, backend) =>
    compute(backend, 'ComplexAbs', [x], {}, { shape: x.shape, dtype: 'float32' }, (graph, [value]) =>
      absolute(graph, value),
    ),
  ),
  ...['FFT', 'IFFT'].map((name) =>
    defineKernel<{ input: TensorInfo }>(name, ({ input }, _, backend) =>
      compute(backend, name, [input], {}, input, (graph, [x]) => fourier(graph, x, name === 'IFFT')),
    ),
  ),
];

/** Sum, difference or product of two complex64 tensors. */
export function complexArithmetic(backend: LazyBackend, kernelName: string, a: TensorInfo, b: TensorInfo): TensorInfo {
  const output = { shape: broadcast(a.shape, b.shape), dtype: 'complex64' } as const;
  return compute(backend, kernelName, [a, b], { complex: true }, output, (graph, [x, y]) => {
    if (kernelName !== 'Multiply') return binary(graph, kernelName === 'Add' ? 'Add' : 'Sub', x, y);
    const product = (left: Value, right: Value): Value => binary(graph, 'Mul', left, right);
    const [xr, xi, yr, yi] = [realPart(graph, x), imaginaryPart(graph, x), realPart(graph, y), imaginaryPart(graph, y)];
    return fromParts(
      graph,
      binary(graph, 'Sub', product(xr, yr), product(xi, yi)),
      binary(graph, 'Add', product(xr, yi), product(xi, yr)),
    );
  });
}

/** √(re² + im²), both divided by the larger first: their squares would leave the range of float32. */
function absolute(graph: GraphBuilder, x: Value): Value {
  const parts = elementwise(graph, 'Abs', [x]);
  const axis = parts.shape.length - 1;
  const larger = reduce(graph, 'ReduceMax', parts, [axis], true);
  const divisor = where(graph, compare(graph, 'Greater', larger, 0), larger, graph.scalar('float32', 1));
  const scaled = binary(graph, 'Div', parts, divisor);
  const length = elementwise(graph, 'Sqrt', [reduce(graph, 'ReduceSum', binary(graph, 'Mul', scaled, scaled), [axis])]);
  return binary(graph, 'Mul', length, reshape(graph, divisor, x.shape.slice(0, -1)));
}

/** A real value as complex, with 0 as imaginary part. */
export function toComplex(graph: GraphBuilder, x: Value): Value {
  const real = cast(graph, x, 'float32');
  return fromParts(graph, real, full(graph, 'float32', 0, real.shape));
}

export { realPart };

function fromParts(graph: GraphBuilder, real: Value, imaginary: Value): Value {
  return stack(graph, [real, imaginary], real.shape.length);
}

function part(graph: GraphBuilder, x: Value, index: number): Value {
  return reshape(graph, sliceAxis(graph, x, x.shape.length - 1, index, 1), x.shape.slice(0, -1));
}

/** The discrete Fourier transform along the last axis; the inverse divides by its length. */
function fourier(graph: GraphBuilder, x: Value, inverse: boolean): Value {
  const length = x.shape.at(-2) ?? 1;
  const rows = reshape(graph, x, [sizeOf(x.shape) / (length * 2), length, 2]);
  const axis = graph.scalar('int64', 1);
  const result = graph.node('DFT', [rows, undefined, axis], rows, { inverse: inverse ? 1 : 0 });
  return reshape(graph, result, x.shape);
}
