/**
 * Convolutions in two and three dimensions, depthwise ones, and their gradients.
 *
 *   x [batch, …, in]      filter […, in, out], depthwise […, in, multiplier]      dy, y [batch, …, out]
 *
 *   dx = transposed convolution of dy with the filter
 *   df = convolution of x with dy: batch and channels change places, strides and dilations too
 */
import { backend_util, type TensorInfo } from '@tensorflow/tfjs-core';
import { binary, cast } from '../onnx/elementwise.js';
import type { GraphBuilder } from '../onnx/graph-builder.js';
import { reshape, slice, transpose } from '../onnx/movement.js';
import { activate } from './activations.js';
import { compute, defineKernel } from './define-kernel.js';
import type { KernelDefinition, Value } from './kernel.js';
import { store } from './unary.js';
import { channelsFirst, tfjsLayout, type Window, window2d, window3d, windowAttributes, windowKey } from './window.js';

type Stride = number | [number, number];

interface ConvolutionAttributes {
  readonly strides: Stride;
  readonly pad: 'valid' | 'same' | number | backend_util.ExplicitPadding;
  readonly dataFormat?: 'NHWC' | 'NCHW';
  readonly dilations?: Stride;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
  readonly filterShape?: number[];
  readonly inputShape?: number[];
  readonly activation?: string | null;
  readonly leakyreluAlpha?: number;
}

interface Convolution {
  readonly name: string;
  readonly depthwise: boolean;
  readonly window: (xShape: number[], filterShape: number[], attributes: ConvolutionAttributes) => Window;
}

const flat =
  (depthwise: boolean): Convolution['window'] =>
  (xShape, filterShape, { strides, dilations, pad, dimRoundingMode, dataFormat }) =>
    window2d(
      backend_util.computeConv2DInfo(
        xShape as [number, number, number, number],
        filterShape as [number, number, number, number],
        strides,
        dilations ?? 1,
        pad,
        dimRoundingMode,
        depthwise,
        backend_util.convertConv2DDataFormat(dataFormat ?? 'NHWC'),
      ),
    );

const solid: Convolution['window'] = (xShape, filterShape, { strides, dilations, pad }) =>
  window3d(
    backend_util.computeConv3DInfo(
      xShape as [number, number, number, number, number],
      filterShape as [number, number, number, number, number],
      strides as number,
      (dilations ?? 1) as number,
      pad as 'valid' | 'same',
    ),
  );

const plain2d: Convolution = { name: 'Conv2D', depthwise: false, window: flat(false) };
const depthwise2d: Convolution = { name: 'DepthwiseConv2dNative', depthwise: true, window: flat(true) };
const plain3d: Convolution = { name: 'Conv3D', depthwise: false, window: solid };

export const convolutionKernels: readonly KernelDefinition[] = [
  ...[plain2d, depthwise2d, plain3d].map((convolution) => forward(convolution, convolution.name)),
  forward(plain2d, 'FusedConv2D'),
  forward(depthwise2d, 'FusedDepthwiseConv2D'),
  inputGradient(plain2d, 'Conv2DBackpropInput'),
  inputGradient(depthwise2d, 'DepthwiseConv2dNativeBackpropInput'),
  inputGradient(plain3d, 'Conv3DBackpropInputV2'),
  filterGradient(plain2d, 'Conv2DBackpropFilter'),
  filterGradient(depthwise2d, 'DepthwiseConv2dNativeBackpropFilter'),
  filterGradient(plain3d, 'Conv3DBackpropFilterV2'),
];

interface ForwardInputs {
  readonly x: TensorInfo;
  readonly filter: TensorInfo;
  readonly bias?: TensorInfo;
  readonly preluActivationWeights?: TensorInfo;
}

function forward({ depthwise, window }: Convolution, kernelName: string): KernelDefinition {
  return defineKernel<ForwardInputs, ConvolutionAttributes>(kernelName, (inputs, attributes, backend) => {
    const { x, filter, bias, preluActivationWeights: slope } = inputs;
    const geometry = window(x.shape, filter.shape, attributes);
    const { activation, leakyreluAlpha: alpha } = attributes;
    const name = activation ?? 'linear';
    const extras = [bias, slope].filter((tensor) => tensor != null);
    const key = { ...windowKey(geometry), activation: name, alpha, bias: bias != null };
    const output = { shape: geometry.outShape, dtype: x.dtype };
    return compute(backend, kernelName, [x, filter, ...extras], key, output, (graph, [image, weights, ...rest]) => {
      const perChannel = rest.map((value) => alignChannels(graph, value, geometry));
      const sum = bias == null ? undefined : perChannel.shift();
      const result = convolve(
        graph,
        cast(graph, image, 'float32'),
        cast(graph, weights, 'float32'),
        geometry,
        depthwise,
      );
      const biased = sum === undefined ? result : binary(graph, 'Add', result, sum);
      return store(graph, activate(graph, biased, { name, alpha }, perChannel[0]), image.type);
    });
  });
}

function inputGradient({ depthwise, window }: Convolution, kernelName: string): KernelDefinition {
  return defineKernel<{ dy: TensorInfo; filter: TensorInfo }, ConvolutionAttributes>(
    kernelName,
    ({ dy, filter }, attributes, backend) => {
      const shape = attributes.inputShape ?? [];
      const geometry = window(shape, filter.shape, attributes);
      const output = { shape, dtype: 'float32' } as const;
      return compute(backend, kernelName, [dy, filter], windowKey(geometry), output, (graph, [gradient, weights]) => {
        const { batch, channels, outChannels, input, output: reached } = geometry;
        const { pads: _, ...rest } = windowAttributes(geometry);
        // What the windows do not reach is added behind as zeros.
        const missing = geometry.padAfter.map((count) => Math.max(0, -count));
        const options = {
          ...rest,
          pads: [...geometry.padBefore, ...geometry.padAfter.map((count) => Math.max(0, count))],
          output_padding: missing,
          group: depthwise ? channels : 1,
        };
        // tfjs takes a dy larger than the convolution's result and ignores the rest.
        const all = channelsFirst(graph, gradient, geometry);
        const upstream = slice(
          graph,
          all,
          all.shape.map(() => 0),
          [batch, outChannels, ...reached],
        );
        const inputs = [upstream, runtimeFilter(graph, weights, depthwise)];
        const dx = graph.node(
          'ConvTranspose',
          inputs,
          { type: 'float32', shape: [batch, channels, ...input] },
          options,
        );
        return tfjsLayout(graph, dx, geometry);
      });
    },
  );
}

function filterGradient({ depthwise, window }: Convolution, kernelName: string): KernelDefinition {
  return defineKernel<{ x: TensorInfo; dy: TensorInfo }, ConvolutionAttributes>(
    kernelName,
    ({ x, dy }, attributes, backend) => {
      const shape = attributes.filterShape ?? [];
      const geometry = window(x.shape, shape, attributes);
      const output = { shape, dtype: 'float32' } as const;
      return compute(backend, kernelName, [x, dy], windowKey(geometry), output, (graph, [image, gradient]) => {
        const { batch, channels, outChannels, input } = geometry;
        const swap = (value: Value): Value =>
          transpose(graph, value, [1, 0, ...value.shape.slice(2).map((__, axis) => axis + 2)]);
        const planes = swap(channelsFirst(graph, image, geometry)); // [in, batch, …]
        const filters = swap(channelsFirst(graph, gradient, geometry)); // [out, batch, …]
        // Depthwise: every channel is a group of its own, whose channels are the batch.
        const source = depthwise ? reshape(graph, planes, [1, channels * batch, ...input]) : planes;
        const df = correlate(graph, source, filters, geometry, depthwise ? channels : 1);
        if (depthwise) {
          const grouped = reshape(graph, df, [channels, outChannels / channels, ...geometry.kernel]);
          return transpose(graph, grouped, [...geometry.kernel.map((__, axis) => axis + 2), 0, 1]);
        }
        return transpose(graph, df, [...geometry.kernel.map((__, axis) => axis + 2), 0, 1]);
      });
    },
  );
}

/** The convolution in tfjs's layout. */
function convolve(graph: GraphBuilder, x: Value, filter: Value, geometry: Window, depthwise: boolean): Value {
  const { batch, channels, outChannels, output } = geometry;
  const inputs = [channelsFirst(graph, x, geometry), runtimeFilter(graph, filter, depthwise)];
  const attributes = { ...windowAttributes(geometry), group: depthwise ? channels : 1 };
  const y = graph.node('Conv', inputs, { type: 'float32', shape: [batch, outChannels, ...output] }, attributes);
  return tfjsLayout(graph, y, geometry);
}

/** The products of x and dy at every offset inside a window: [out of source, out, …kernel]. */
function correlate(graph: GraphBuilder, x: Value, dy: Value, geometry: Window, group: number): Value {
  const { kernel, strides, dilations, padBefore, padAfter, input, output } = geometry;
  const spread = output.map((size, i) => (size - 1) * (strides[i] ?? 1) + 1);
  // Where the last elements reach into no window, more offsets come out than a window has.
  const found = kernel.map((_, i) => {
    const padded = (input[i] ?? 0) + (padBefore[i] ?? 0) + Math.max(0, padAfter[i] ?? 0);
    return Math.floor((padded - (spread[i] ?? 0)) / (dilations[i] ?? 1)) + 1;
  });
  const pads = [...padBefore, ...padAfter.map((count) => Math.max(0, count))];
  const attributes = { kernel_shape: output, strides: dilations, dilations: strides, pads, group };
  const shape = [x.shape[0] ?? 1, dy.shape[0] ?? 1, ...found];
  const all = graph.node('Conv', [x, dy], { type: 'float32', shape }, attributes);
  return slice(
    graph,
    all,
    shape.map(() => 0),
    [...shape.slice(0, 2), ...kernel],
  );
}

/** […kernel, in, out] as the runtime wants it: [out, in, …kernel]; a depthwise one as [in·multiplier, 1, …kernel]. */
function runtimeFilter(graph: GraphBuilder, filter: Value, depthwise: boolean): Value {
  const rank = filter.shape.length;
  const spatial = filter.shape.slice(0, -2).map((_, axis) => axis);
  if (!depthwise) return transpose(graph, filter, [rank - 1, rank - 2, ...spatial]);
  const turned = transpose(graph, filter, [rank - 2, rank - 1, ...spatial]);
  const [channels = 1, multiplier = 1, ...kernel] = turned.shape;
  return reshape(graph, turned, [channels * multiplier, 1, ...kernel]);
}

/** A bias or slope per channel, brought to where the channels are. */
function alignChannels(graph: GraphBuilder, value: Value, { channelsLast, input }: Window): Value {
  const real = cast(graph, value, 'float32');
  if (channelsLast || real.shape.length !== 1 || real.shape[0] === 1) return real;
  return reshape(graph, real, [real.shape[0] ?? 1, ...input.map(() => 1)]);
}
