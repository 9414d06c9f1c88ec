/**
 * Pooling in two and three dimensions, and its gradients. NaN is passed over by the maximum, as in tfjs.
 *
 * The gradient of a maximum goes to its first position in the window; that of a mean to all, divided by the window's size.
 */
import { backend_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { binary, cast, isNaN, where, withScalar } from '../onnx/elementwise.js';
import type { GraphBuilder } from '../onnx/graph-builder.js';
import { full, pad, reshape } from '../onnx/movement.js';
import { compute, computeAll, defineKernel, sizeOf } from './define-kernel.js';
import type { KernelDefinition, Value } from './kernel.js';
import { store } from './unary.js';
import { channelsFirst, tfjsLayout, type Window, window2d, window3d, windowAttributes, windowKey } from './window.js';

interface PoolAttributes {
  readonly filterSize: number | [number, number];
  readonly strides: number | [number, number];
  readonly pad: 'valid' | 'same' | number | backend_util.ExplicitPadding;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
  readonly includeBatchInIndex?: boolean;
}

type Geometry = (shape: number[], attributes: PoolAttributes) => Window;

const flat: Geometry = (shape, { filterSize, strides, pad, dimRoundingMode }) =>
  window2d(
    backend_util.computePool2DInfo(
      shape as [number, number, number, number],
      filterSize,
      strides,
      1,
      pad,
      dimRoundingMode,
      'channelsLast',
    ),
  );

const solid: Geometry = (shape, { filterSize, strides, pad, dimRoundingMode }) =>
  window3d(
    backend_util.computePool3DInfo(
      shape as [number, number, number, number, number],
      filterSize as number,
      strides as number,
      1,
      pad as 'valid' | 'same',
      dimRoundingMode,
      'NDHWC',
    ),
  );

export const poolingKernels: readonly KernelDefinition[] = [
  forward('MaxPool', flat, maximum),
  forward('AvgPool', flat, average),
  forward('MaxPool3D', solid, maximum),
  forward('AvgPool3D', solid, average),
  backward('MaxPoolGrad', flat, maximumGradient),
  backward('AvgPoolGrad', flat, averageGradient),
  backward('MaxPool3DGrad', solid, maximumGradient),
  backward('AvgPool3DGrad', solid, averageGradient),
  defineKernel<{ x: TensorInfo }, PoolAttributes>('MaxPoolWithArgmax', ({ x }, attributes, backend) => {
    util.assert(x.shape.length === 4, () => `maxPoolWithArgmax takes images of rank 4, not [${x.shape}].`);
    const geometry = flat(x.shape, attributes);
    const { includeBatchInIndex = false } = attributes;
    const outputs = [
      { shape: geometry.outShape, dtype: x.dtype },
      { shape: geometry.outShape, dtype: 'int32' },
    ] as const;
    const key = { ...windowKey(geometry), includeBatchInIndex };
    return computeAll(backend, 'MaxPoolWithArgmax', [x], key, outputs, (graph, [value]) => {
      const [values, positions] = maximumAndPositions(graph, value, geometry);
      const indices = tfjsPositions(graph, positions, geometry, includeBatchInIndex);
      return [
        store(graph, tfjsLayout(graph, values, geometry), value.type),
        tfjsLayout(graph, cast(graph, indices, 'int32'), geometry),
      ];
    });
  }),
];

function forward(
  name: string,
  geometryOf: Geometry,
  pool: (graph: GraphBuilder, x: Value, geometry: Window) => Value,
): KernelDefinition {
  return defineKernel<{ x: TensorInfo }, PoolAttributes>(name, ({ x }, attributes, backend) => {
    const geometry = geometryOf(x.shape, attributes);
    // As tfjs has it, whatever the padding says.
    if (sizeOf(geometry.kernel) === 1 && util.arraysEqual(x.shape, geometry.outShape)) return backend.share(x);
    const output = { shape: geometry.outShape, dtype: x.dtype };
    return compute(backend, name, [x], windowKey(geometry), output, (graph, [value]) =>
      store(graph, tfjsLayout(graph, pool(graph, value, geometry), geometry), value.type),
    );
  });
}

function backward(
  name: string,
  geometryOf: Geometry,
  gradient: (graph: GraphBuilder, dy: Value, x: Value, geometry: Window) => Value,
): KernelDefinition {
  return defineKernel<{ dy: TensorInfo; input: TensorInfo }, PoolAttributes>(
    name,
    ({ dy, input }, attributes, backend) => {
      const geometry = geometryOf(input.shape, attributes);
      const output = { shape: input.shape, dtype: 'float32' } as const;
      return compute(backend, name, [dy, input], windowKey(geometry), output, (graph, [upstream, x]) =>
        tfjsLayout(graph, gradient(graph, channelsFirst(graph, upstream, geometry), x, geometry), geometry),
      );
    },
  );
}

function planes(graph: GraphBuilder, x: Value, geometry: Window): Value {
  return channelsFirst(graph, cast(graph, x, 'float32'), geometry);
}

function pooledShape({ batch, channels, output }: Window): number[] {
  return [batch, channels, ...output];
}

function maximum(graph: GraphBuilder, x: Value, geometry: Window): Value {
  const output = { type: 'float32', shape: pooledShape(geometry) } as const;
  const source = planes(graph, x, geometry);
  if (!widelyPadded(geometry)) return graph.node('MaxPool', [source], output, windowAttributes(geometry));
  return graph.node('MaxPool', [padded(graph, source, geometry, -Infinity)], output, unpadded(geometry));
}

function average(graph: GraphBuilder, x: Value, geometry: Window): Value {
  const output = { type: 'float32', shape: pooledShape(geometry) } as const;
  const source = planes(graph, x, geometry);
  if (!widelyPadded(geometry)) {
    return graph.node('AveragePool', [source], output, { ...windowAttributes(geometry), count_include_pad: 0 });
  }
  const mean = (value: Value): Value =>
    graph.node('AveragePool', [padded(graph, value, geometry, 0)], output, unpadded(geometry));
  // Divided by the share of elements that are none of the padding; 0 where all are.
  const share = withScalar(graph, 'Max', mean(full(graph, 'float32', 1, source.shape)), 1 / sizeOf(geometry.kernel));
  return binary(graph, 'Div', mean(source), share);
}

/** The runtime refuses a padding as wide as the window. */
function widelyPadded({ kernel, padBefore, padAfter }: Window): boolean {
  return kernel.some((size, i) => Math.max(padBefore[i] ?? 0, padAfter[i] ?? 0) >= size);
}

function padded(graph: GraphBuilder, x: Value, { padBefore, padAfter }: Window, value: number): Value {
  const spatial = padBefore.map((before, i) => [before, Math.max(0, padAfter[i] ?? 0)]);
  return pad(graph, x, [[0, 0], [0, 0], ...spatial], value);
}

function unpadded(geometry: Window) {
  return windowAttributes({
    ...geometry,
    padBefore: geometry.kernel.map(() => 0),
    padAfter: geometry.kernel.map(() => 0),
  });
}

/** Maxima, and where they are in the whole tensor [batch, channels, …] laid out flat. */
function maximumAndPositions(graph: GraphBuilder, x: Value, geometry: Window): [Value, Value] {
  const shape = pooledShape(geometry);
  const outputs = [
    { type: 'float32', shape },
    { type: 'int64', shape },
  ] as const;
  const source = planes(graph, x, geometry);
  // With positions, unlike without, the runtime would give NaN as the maximum.
  const numbers = where(graph, isNaN(graph, source), graph.scalar('float32', -Infinity), source);
  return graph.nodes('MaxPool', [numbers], outputs, windowAttributes(geometry)) as [Value, Value];
}

function maximumGradient(graph: GraphBuilder, dy: Value, x: Value, geometry: Window): Value {
  const shape = [geometry.batch, geometry.channels, ...geometry.input];
  const [, positions] = maximumAndPositions(graph, x, geometry);
  const zeros = full(graph, 'float32', 0, [sizeOf(shape)]);
  const count = [sizeOf(dy.shape)];
  const inputs = [zeros, reshape(graph, positions, count), reshape(graph, dy, count)];
  return reshape(graph, graph.node('ScatterElements', inputs, zeros, { axis: 0, reduction: 'add' }), shape);
}

/** dy spread over its window: a transposed convolution of each channel with ones. */
function averageGradient(graph: GraphBuilder, dy: Value, _: Value, geometry: Window): Value {
  const { kernel, channels, batch, input, padAfter } = geometry;
  const ones = full(graph, 'float32', 1 / sizeOf(kernel), [channels, 1, ...kernel]);
  const options = {
    ...windowAttributes(geometry),
    output_padding: padAfter.map((count) => Math.max(0, -count)),
    group: channels,
  };
  return graph.node('ConvTranspose', [dy, ones], { type: 'float32', shape: [batch, channels, ...input] }, options);
}

/** Positions in [batch, channels, height, width] as tfjs counts them: in [height, width, channels] of one image, or of all. */
function tfjsPositions(graph: GraphBuilder, positions: Value, geometry: Window, includeBatch: boolean): Value {
  const { channels, input, batch } = geometry;
  const pixels = sizeOf(input);
  const pixel = withScalar(graph, 'Mod', positions, pixels);
  const range = (length: number, shape: number[]): Value =>
    graph.constant(
      'int64',
      Array.from({ length }, (_, i) => i),
      shape,
    );
  const channel = range(channels, [1, channels, 1, 1]);
  const inImage = binary(graph, 'Add', withScalar(graph, 'Mul', pixel, channels), channel);
  if (!includeBatch) return inImage;
  const start = withScalar(graph, 'Mul', range(batch, [batch, 1, 1, 1]), pixels * channels);
  return binary(graph, 'Add', inImage, start);
}
