/**
 * Activations with parameters, their gradients, and the activations that fused kernels name.
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { LoranError } from '@loran/plugin';
import { binary, broadcast, cast, clip, compare, elementwise, where, withScalar } from '../onnx/elementwise.js';
import { float, type GraphBuilder } from '../onnx/graph-builder.js';
import { compute, defineKernel } from './define-kernel.js';
import type { KernelDefinition, Value } from './kernel.js';

const real = (graph: GraphBuilder, x: Value): Value => cast(graph, x, 'float32');

export const activationKernels: readonly KernelDefinition[] = [
  defineKernel<{ x: TensorInfo }, { alpha: number }>('LeakyRelu', ({ x }, { alpha }, backend) =>
    compute(backend, 'LeakyRelu', [x], { alpha }, { shape: x.shape, dtype: 'float32' }, (graph, [value]) =>
      leakyRelu(graph, real(graph, value), alpha),
    ),
  ),
  defineKernel<{ x: TensorInfo; alpha: TensorInfo }>('Prelu', ({ x, alpha }, _, backend) => {
    const output = { shape: broadcast(x.shape, alpha.shape), dtype: 'float32' } as const;
    return compute(backend, 'Prelu', [x, alpha], {}, output, (graph, [value, slope]) =>
      prelu(graph, real(graph, value), real(graph, slope)),
    );
  }),
  // y ≥ 0: dy, else dy·(y + 1), as y = eˣ − 1 there.
  defineKernel<{ dy: TensorInfo; y: TensorInfo }>('EluGrad', ({ dy, y }, _, backend) =>
    compute(backend, 'EluGrad', [dy, y], {}, { shape: y.shape, dtype: 'float32' }, (graph, [gradient, result]) => {
      const slope = withScalar(graph, 'Add', withScalar(graph, 'Min', result, 0), 1);
      return binary(graph, 'Mul', gradient, slope);
    }),
  ),
];

/** x below 0 is multiplied by the slope, one for all. */
function leakyRelu(graph: GraphBuilder, x: Value, alpha: number): Value {
  return elementwise(graph, 'LeakyRelu', [x], x.type, { alpha: float(alpha) });
}

/** x below 0 is multiplied by the slope, a tensor that broadcasts. */
function prelu(graph: GraphBuilder, x: Value, slope: Value): Value {
  return where(graph, compare(graph, 'Less', x, 0), binary(graph, 'Mul', slope, x), x);
}

export interface FusedActivation {
  readonly name: string;
  /** The slope of 'leakyrelu'. */
  readonly alpha: number | undefined;
}

/** Applies the activation that a fused kernel was given; `slope` is that of 'prelu'. */
export function activate(graph: GraphBuilder, x: Value, { name, alpha = 0.2 }: FusedActivation, slope?: Value): Value {
  switch (name) {
    case 'linear':
      return x;
    case 'relu':
      return elementwise(graph, 'Relu', [x]);
    case 'relu6':
      return clip(graph, x, 0, 6);
    case 'elu':
      return elementwise(graph, 'Elu', [x]);
    case 'sigmoid':
      return elementwise(graph, 'Sigmoid', [x]);
    case 'leakyrelu':
      return leakyRelu(graph, x, alpha);
    case 'prelu':
      if (slope !== undefined) return prelu(graph, x, slope);
  }
  throw new LoranError(
    'UNKNOWN_ACTIVATION',
    `A fused kernel was asked for the activation '${name}'. Known: linear, relu, relu6, elu, sigmoid, leakyrelu, and prelu with its weights.`,
  );
}
