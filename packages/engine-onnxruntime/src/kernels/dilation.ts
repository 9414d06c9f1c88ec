/**
 * Grayscale dilation and its gradients: y = max over the window of x + filter, channel by channel.
 *
 *   x [batch, height, width, channels]      filter [kernel height, kernel width, channels]
 *
 * The gradient goes to the first place of the maximum.
 */
import { backend_util, type TensorInfo } from '@tensorflow/tfjs-core';
import { binary, cast, compare, where } from '../onnx/elementwise.js';
import type { GraphBuilder } from '../onnx/graph-builder.js';
import { full, gather, pad, reshape, slice, sliceAxis, stack } from '../onnx/movement.js';
import { reduce } from '../onnx/reduction.js';
import { compute, defineKernel, sizeOf } from './define-kernel.js';
import type { KernelDefinition, Value } from './kernel.js';
import { type Window, window2d, windowKey } from './window.js';

interface DilationAttributes {
  readonly strides: number | [number, number];
  readonly pad: 'valid' | 'same' | number;
  readonly dilations: number | [number, number];
}

type Inputs = { readonly x: TensorInfo; readonly filter: TensorInfo };

export const dilationKernels: readonly KernelDefinition[] = [
  defineKernel<Inputs, DilationAttributes>('Dilation2D', ({ x, filter }, attributes, backend) => {
    const window = windowOf(x, filter, attributes);
    const output = { shape: window.outShape, dtype: x.dtype };
    return compute(backend, 'Dilation2D', [x, filter], windowKey(window), output, (graph, [image, weights]) => {
      const sums = taps(graph, image, weights, window);
      return cast(
        graph,
        sums.reduce((a, b) => binary(graph, 'Max', a, b)),
        image.type,
      );
    });
  }),
  defineKernel<Inputs & { dy: TensorInfo }, DilationAttributes>(
    'Dilation2DBackpropFilter',
    ({ x, filter, dy }, attributes, backend) => {
      const window = windowOf(x, filter, attributes);
      const output = { shape: filter.shape, dtype: filter.dtype };
      const name = 'Dilation2DBackpropFilter';
      return compute(backend, name, [x, filter, dy], windowKey(window), output, (graph, [image, weights, upstream]) => {
        const sums = taps(graph, image, weights, window);
        const best = firstMaximum(graph, sums);
        const parts = sums.map((_, tap) => {
          const share = where(graph, compare(graph, 'Equal', best, tap), upstream, graph.scalar('float32', 0));
          return reduce(graph, 'ReduceSum', share, [0, 1, 2]); // [channels]
        });
        return cast(graph, reshape(graph, stack(graph, parts, 0), filter.shape), weights.type);
      });
    },
  ),
  defineKernel<Inputs & { dy: TensorInfo }, DilationAttributes>(
    'Dilation2DBackpropInput',
    ({ x, filter, dy }, attributes, backend) => {
      const window = windowOf(x, filter, attributes);
      const output = { shape: x.shape, dtype: x.dtype };
      const name = 'Dilation2DBackpropInput';
      return compute(backend, name, [x, filter, dy], windowKey(window), output, (graph, [image, weights, upstream]) => {
        const best = firstMaximum(graph, taps(graph, image, weights, window));
        return cast(graph, scatterToInput(graph, best, upstream, window), image.type);
      });
    },
  ),
];

function windowOf(x: TensorInfo, filter: TensorInfo, { strides, pad: padding, dilations }: DilationAttributes): Window {
  const shape = x.shape as [number, number, number, number];
  const size = filter.shape as [number, number, number];
  return window2d(backend_util.computeDilation2DInfo(shape, size, strides, padding as 'valid', 'NHWC', dilations));
}

/** x + filter at every place of the window, in row order: each [batch, out height, out width, channels]. */
function taps(graph: GraphBuilder, x: Value, filter: Value, window: Window): Value[] {
  const { kernel, strides, dilations } = window;
  const padded = pad(graph, cast(graph, x, 'float32'), padding(window), -Infinity);
  const weights = cast(graph, filter, 'float32');
  return places(window).map(([row, column]) => {
    const starts = [row * (dilations[0] ?? 1), column * (dilations[1] ?? 1)];
    const ends = starts.map((start, i) => start + ((window.output[i] ?? 1) - 1) * (strides[i] ?? 1) + 1);
    const inputs = [padded, ...[starts, ends, [1, 2], strides].map((list) => graph.integers(list))];
    const seen = graph.node('Slice', inputs, { type: 'float32', shape: window.outShape });
    const flat = reshape(graph, weights, [sizeOf(kernel), window.channels]);
    return binary(graph, 'Add', seen, sliceAxis(graph, flat, 0, row * (kernel[1] ?? 1) + column, 1));
  });
}

function places({ kernel: [rows = 1, columns = 1] }: Window): [number, number][] {
  return Array.from({ length: rows * columns }, (_, i) => [Math.floor(i / columns), i % columns]);
}

function padding({ padBefore, padAfter }: Window): number[][] {
  return [[0, 0], ...padBefore.map((before, i) => [before, Math.max(0, padAfter[i] ?? 0)]), [0, 0]];
}

/** Which tap is the largest, the first of equal ones: int32, of the output's shape. */
function firstMaximum(graph: GraphBuilder, sums: readonly Value[]): Value {
  const all = stack(graph, sums, 0);
  const best = graph.node('ArgMax', [all], { type: 'int64', shape: all.shape.slice(1) }, { axis: 0, keepdims: 0 });
  return cast(graph, best, 'int32');
}

/** dy added up at the input places that gave the maxima. */
function scatterToInput(graph: GraphBuilder, best: Value, dy: Value, window: Window): Value {
  const { batch, channels, input, output, strides, dilations, padBefore, padAfter } = window;
  const [height = 1, width = 1] = input.map((n, i) => n + (padBefore[i] ?? 0) + Math.max(0, padAfter[i] ?? 0));
  const along = (length: number, step: number, shape: number[]): Value =>
    graph.constant(
      'int32',
      Array.from({ length }, (_, i) => i * step),
      shape,
    );
  const rowStep = width * channels;
  const offsets = places(window).map(
    ([row, column]) => row * (dilations[0] ?? 1) * rowStep + column * (dilations[1] ?? 1) * channels,
  );
  const index = [
    along(batch, height * rowStep, [batch, 1, 1, 1]),
    along(output[0] ?? 1, (strides[0] ?? 1) * rowStep, [1, output[0] ?? 1, 1, 1]),
    along(output[1] ?? 1, (strides[1] ?? 1) * channels, [1, 1, output[1] ?? 1, 1]),
    along(channels, 1, [1, 1, 1, channels]),
  ].reduce(
    (sum, part) => binary(graph, 'Add', sum, part),
    gather(graph, graph.constant('int32', offsets, [offsets.length]), best, 0),
  );
  const count = [sizeOf(window.outShape)];
  const zeros = full(graph, 'float32', 0, [batch * height * rowStep]);
  const inputs = [zeros, reshape(graph, index, count), reshape(graph, dy, count)];
  const summed = graph.node('ScatterElements', inputs, zeros, { axis: 0, reduction: 'add' });
  const whole = reshape(graph, summed, [batch, height, width, channels]);
  return slice(graph, whole, [0, ...padBefore, 0], [batch, ...input, channels]);
}
