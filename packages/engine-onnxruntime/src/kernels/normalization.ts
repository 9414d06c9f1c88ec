/**
 * Batch normalization, and local response normalization with its gradient.
 *
 *   LRN: y = x·n^−β      n = bias + α·Σ x²  over the channels within `depthRadius`
 *   dx_k = n_k^−β·dy_k − 2αβ·x_k·Σ_i y_i·dy_i / n_i      the sum over the channels i that have k in reach
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { binary, cast, elementwise, withScalar } from '../onnx/elementwise.js';
import type { GraphBuilder } from '../onnx/graph-builder.js';
import { matMul } from '../onnx/reduction.js';
import { compute, defineKernel } from './define-kernel.js';
import type { KernelDefinition, Value } from './kernel.js';

interface BatchNormInputs {
  readonly x: TensorInfo;
  readonly mean: TensorInfo;
  readonly variance: TensorInfo;
  readonly scale?: TensorInfo;
  readonly offset?: TensorInfo;
}

interface LrnAttributes {
  readonly depthRadius: number;
  readonly bias: number;
  readonly alpha: number;
  readonly beta: number;
}

export const normalizationKernels: readonly KernelDefinition[] = [
  defineKernel<BatchNormInputs, { varianceEpsilon?: number }>('FusedBatchNorm', (inputs, attributes, backend) => {
    const { x, mean, variance, scale, offset } = inputs;
    const epsilon = attributes.varianceEpsilon ?? 0.001;
    const extras = [scale, offset].filter((tensor) => tensor != null);
    const key = { epsilon, scale: scale != null, offset: offset != null };
    const output = { shape: x.shape, dtype: x.dtype };
    return compute(backend, 'FusedBatchNorm', [x, mean, variance, ...extras], key, output, (graph, values) => {
      const [value, average, spread, ...rest] = values;
      const deviation = elementwise(graph, 'Sqrt', [withScalar(graph, 'Add', spread, epsilon)]);
      let result = binary(graph, 'Sub', value, average);
      const gain = scale == null ? undefined : rest.shift();
      if (gain !== undefined) result = binary(graph, 'Mul', result, gain);
      result = binary(graph, 'Div', result, deviation);
      return rest[0] === undefined ? result : binary(graph, 'Add', result, rest[0]);
    });
  }),
  defineKernel<{ x: TensorInfo }, LrnAttributes>('LRN', ({ x }, { ...attributes }, backend) =>
    compute(backend, 'LRN', [x], attributes, { shape: x.shape, dtype: x.dtype }, (graph, [value]) => {
      const norm = localNorm(graph, cast(graph, value, 'float32'), attributes);
      return binary(graph, 'Mul', value, withScalar(graph, 'Pow', norm, -attributes.beta));
    }),
  ),
  defineKernel<{ x: TensorInfo; y: TensorInfo; dy: TensorInfo }, LrnAttributes>(
    'LRNGrad',
    ({ x, y, dy }, { ...attributes }, backend) => {
      const output = { shape: dy.shape, dtype: x.dtype };
      return compute(backend, 'LRNGrad', [x, y, dy], attributes, output, (graph, [input, result, upstream]) => {
        const { alpha, beta } = attributes;
        const norm = localNorm(graph, input, attributes);
        const own = binary(graph, 'Mul', withScalar(graph, 'Pow', norm, -beta), upstream);
        const shares = binary(graph, 'Div', binary(graph, 'Mul', result, upstream), norm);
        const others = binary(graph, 'Mul', input, neighbours(graph, shares, attributes));
        return binary(graph, 'Sub', own, withScalar(graph, 'Mul', others, 2 * alpha * beta));
      });
    },
  ),
];

function localNorm(graph: GraphBuilder, x: Value, attributes: LrnAttributes): Value {
  const sums = neighbours(graph, binary(graph, 'Mul', x, x), attributes);
  return withScalar(graph, 'Add', withScalar(graph, 'Mul', sums, attributes.alpha), attributes.bias);
}

/** Sums over the channels within the radius: a product with a band of ones. */
function neighbours(graph: GraphBuilder, x: Value, { depthRadius }: LrnAttributes): Value {
  const channels = x.shape.at(-1) ?? 1;
  const band = Float32Array.from({ length: channels * channels }, (_, i) =>
    Math.abs(Math.floor(i / channels) - (i % channels)) <= depthRadius ? 1 : 0,
  );
  return matMul(graph, x, graph.constant('float32', band, [channels, channels]));
}
