/**
 * Sliding windows, as convolutions and pooling use them, in any number of spatial dimensions.
 *
 * tfjs puts channels last and the runtime computes with channels first, so values are turned on the way in and out.
 */
import type { backend_util } from '@tensorflow/tfjs-core';
import type { GraphBuilder } from '../onnx/graph-builder.js';
import { transpose } from '../onnx/movement.js';
import type { Attrs, Value } from './kernel.js';

export interface Window {
  /** Per spatial dimension, each. */
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padBefore: readonly number[];
  /** May be negative: the last elements of the input then reach into no window. */
  readonly padAfter: readonly number[];
  readonly input: readonly number[];
  readonly output: readonly number[];
  readonly batch: number;
  readonly channels: number;
  readonly outChannels: number;
  readonly channelsLast: boolean;
  /** The result's shape in tfjs's layout. */
  readonly outShape: number[];
}

export function window2d(info: backend_util.Conv2DInfo): Window {
  return complete(info, {
    kernel: [info.filterHeight, info.filterWidth],
    strides: [info.strideHeight, info.strideWidth],
    dilations: [info.dilationHeight, info.dilationWidth],
    padBefore: [info.padInfo.top, info.padInfo.left],
    input: [info.inHeight, info.inWidth],
    output: [info.outHeight, info.outWidth],
  });
}

export function window3d(info: backend_util.Conv3DInfo): Window {
  return complete(info, {
    kernel: [info.filterDepth, info.filterHeight, info.filterWidth],
    strides: [info.strideDepth, info.strideHeight, info.strideWidth],
    dilations: [info.dilationDepth, info.dilationHeight, info.dilationWidth],
    padBefore: [info.padInfo.front, info.padInfo.top, info.padInfo.left],
    input: [info.inDepth, info.inHeight, info.inWidth],
    output: [info.outDepth, info.outHeight, info.outWidth],
  });
}

type Geometry = Pick<Window, 'kernel' | 'strides' | 'dilations' | 'padBefore' | 'input' | 'output'>;

function complete(info: backend_util.Conv2DInfo | backend_util.Conv3DInfo, geometry: Geometry): Window {
  const reached = reach(geometry);
  return {
    ...geometry,
    // As much as the output's size needs; tfjs's own figure leaves out what rounding up adds.
    padAfter: reached.map((length, i) => length - (geometry.input[i] ?? 0) - (geometry.padBefore[i] ?? 0)),
    batch: info.batchSize,
    channels: info.inChannels,
    outChannels: info.outChannels,
    channelsLast: info.dataFormat === 'channelsLast',
    outShape: info.outShape,
  };
}

/** How far all windows together reach over the padded input: (output − 1)·stride + (kernel − 1)·dilation + 1. */
function reach({ kernel, strides, dilations, output }: Geometry): number[] {
  return kernel.map((size, i) => ((output[i] ?? 1) - 1) * (strides[i] ?? 1) + (size - 1) * (dilations[i] ?? 1) + 1);
}

/** The ONNX attributes of a window. */
export function windowAttributes({ kernel, strides, dilations, padBefore, padAfter }: Window) {
  const pads = [...padBefore, ...padAfter.map((count) => Math.max(0, count))];
  return { kernel_shape: kernel, strides, dilations, pads };
}

/** What a compiled graph depends on, besides the shapes. */
export function windowKey({ kernel, strides, dilations, padBefore, output, channelsLast }: Window): Attrs {
  return { kernel, strides, dilations, padBefore, output, channelsLast };
}

/** [batch, …, channels] to [batch, channels, …]; nothing where channels come first already. */
export function channelsFirst(graph: GraphBuilder, x: Value, { channelsLast }: Window): Value {
  if (!channelsLast) return x;
  const rank = x.shape.length;
  return transpose(graph, x, [0, rank - 1, ...spatialAxes(rank, 1)]);
}

/** The way back. */
export function tfjsLayout(graph: GraphBuilder, x: Value, { channelsLast }: Window): Value {
  return channelsLast ? transpose(graph, x, [0, ...spatialAxes(x.shape.length, 2), 1]) : x;
}

/** All axes from `first` to one before the last that `first` leaves: the spatial ones of a rank. */
function spatialAxes(rank: number, first: number): number[] {
  return Array.from({ length: rank - 2 }, (_, i) => i + first);
}
