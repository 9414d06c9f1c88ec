/** Convolutions, pooling, dilation, and their gradients. */
import * as tf from '@tensorflow/tfjs-core';
import { float, int, type KernelCase, type KernelCases, type TensorSpec } from './kernel-case.js';

interface Geometry {
  readonly input: number;
  readonly kernel: number;
  readonly strides: number;
  readonly pad: 'same' | 'valid' | number;
  readonly dilations: number;
}

const geometries: readonly Geometry[] = [
  { input: 6, kernel: 3, strides: 1, pad: 'same', dilations: 1 },
  { input: 6, kernel: 3, strides: 1, pad: 'valid', dilations: 1 },
  { input: 7, kernel: 2, strides: 2, pad: 'same', dilations: 1 },
  { input: 8, kernel: 3, strides: 3, pad: 'valid', dilations: 1 },
  { input: 6, kernel: 3, strides: 2, pad: 1, dilations: 1 },
  { input: 7, kernel: 2, strides: 1, pad: 'same', dilations: 2 },
  { input: 4, kernel: 1, strides: 1, pad: 'valid', dilations: 1 },
];
const undilated = geometries.filter(({ dilations }) => dilations === 1);
const describe = ({ input, kernel, strides, pad, dilations }: Geometry) =>
  `${input} by ${kernel}, stride ${strides}, ${pad}, dilation ${dilations}`;

const table = (list: readonly Geometry[], build: (geometry: Geometry) => KernelCase): Record<string, KernelCase> =>
  Object.fromEntries(list.map((geometry) => [describe(geometry), build(geometry)]));

const repeat = (length: number, rank: number): number[] => Array.from({ length: rank }, () => length);
const image = ({ input }: Geometry, channels: number, rank = 2): number[] => [2, ...repeat(input, rank), channels];

/** The shape of the result, by tfjs's own arithmetic. */
function outputShape(geometry: Geometry, channels: number, rank = 2): number[] {
  const { input, kernel, strides, pad, dilations } = geometry;
  const { backend_util: util } = tf;
  if (rank === 3) {
    const shape = [2, input, input, input, channels] as [number, number, number, number, number];
    return util.computePool3DInfo(shape, kernel, strides, dilations, pad as 'same').outShape;
  }
  return util.computePool2DInfo([2, input, input, channels], kernel, strides, dilations, pad).outShape;
}

const convolution =
  (filterOf: (g: Geometry) => number[], channels: number, rank = 2) =>
  (geometry: Geometry): KernelCase => ({
    inputs: { x: float(image(geometry, channels, rank)), filter: float(filterOf(geometry)) },
    attributes: { ...geometry, dataFormat: rank === 2 ? 'NHWC' : 'NDHWC' },
  });
const gradients = (filterOf: (g: Geometry) => number[], channels: number, out: number, rank = 2) => ({
  input: table(undilated, (g) => ({
    inputs: { dy: float(outputShape(g, out, rank)), filter: float(filterOf(g)) },
    attributes: { ...g, inputShape: image(g, channels, rank), dataFormat: rank === 2 ? 'NHWC' : 'NDHWC' },
  })),
  filter: table(undilated, (g) => ({
    inputs: { x: float(image(g, channels, rank)), dy: float(outputShape(g, out, rank)) },
    attributes: { ...g, filterShape: filterOf(g), dataFormat: rank === 2 ? 'NHWC' : 'NDHWC' },
  })),
});

const plain = ({ kernel }: Geometry): number[] => [kernel, kernel, 2, 3];
const depthwise = ({ kernel }: Geometry): number[] => [kernel, kernel, 2, 3]; // two channels, three times each
const solid = ({ kernel }: Geometry): number[] => [kernel, kernel, kernel, 2, 3];
const plainGradients = gradients(plain, 2, 3);
const depthwiseGradients = gradients(depthwise, 2, 6);
const solidGradients = gradients(solid, 2, 3, 3);

const pooling = (rank: number): Record<string, KernelCase> =>
  table(undilated, (g) => ({
    inputs: { x: float(image(g, 2, rank)) },
    attributes: { filterSize: g.kernel, strides: g.strides, pad: g.pad, dataFormat: 'NDHWC' },
  }));
const poolGradient = (rank: number, mean: boolean): Record<string, KernelCase> =>
  table(undilated, (g) => ({
    inputs: {
      dy: float(outputShape(g, 2, rank)),
      input: float(image(g, 2, rank)),
      ...(mean || rank === 3 ? {} : { output: float(outputShape(g, 2, rank)) }),
    },
    attributes: { filterSize: g.kernel, strides: g.strides, pad: g.pad },
  }));

const dilation = (extra: (g: Geometry) => Record<string, TensorSpec>): Record<string, KernelCase> =>
  table(geometries, (g) => ({
    inputs: { x: float(image(g, 2)), filter: float([g.kernel, g.kernel, 2]), ...extra(g) },
    attributes: { ...g },
  }));
const fusedExtras = { bias: float([3]), preluActivationWeights: float([3], 0, 1) };

export const windowCases: KernelCases = {
  Conv2D: {
    ...table(geometries, convolution(plain, 2)),
    'channels first': {
      inputs: { x: float([1, 2, 5, 5]), filter: float([3, 3, 2, 3]) },
      attributes: { strides: 1, pad: 'same', dataFormat: 'NCHW', dilations: 1 },
    },
    int32: {
      inputs: { x: int([1, 4, 4, 2]), filter: int([2, 2, 2, 3]) },
      attributes: { strides: 1, pad: 'valid', dataFormat: 'NHWC', dilations: 1 },
    },
  },
  FusedConv2D: Object.fromEntries(
    ['linear', 'relu', 'prelu'].map((activation) => [
      activation,
      {
        inputs: { x: float([2, 5, 5, 2]), filter: float([3, 3, 2, 3]), ...fusedExtras },
        attributes: { strides: 1, pad: 'same', dataFormat: 'NHWC', dilations: 1, activation },
      },
    ]),
  ),
  DepthwiseConv2dNative: table(geometries, convolution(depthwise, 2)),
  FusedDepthwiseConv2D: {
    relu6: {
      inputs: { x: float([1, 5, 5, 2]), filter: float([3, 3, 2, 2]), bias: float([4]) },
      attributes: { strides: 1, pad: 'same', dilations: 1, activation: 'relu6' },
    },
  },
  Conv3D: table(geometries.slice(0, 4), convolution(solid, 2, 3)),
  Conv2DBackpropInput: plainGradients.input,
  Conv2DBackpropFilter: plainGradients.filter,
  DepthwiseConv2dNativeBackpropInput: depthwiseGradients.input,
  DepthwiseConv2dNativeBackpropFilter: depthwiseGradients.filter,
  Conv3DBackpropInputV2: solidGradients.input,
  Conv3DBackpropFilterV2: solidGradients.filter,
  MaxPool: {
    ...pooling(2),
    int32: { inputs: { x: int([1, 4, 4, 1]) }, attributes: { filterSize: 2, strides: 2, pad: 'valid' } },
  },
  AvgPool: pooling(2),
  MaxPool3D: pooling(3),
  AvgPool3D: pooling(3),
  MaxPoolGrad: poolGradient(2, false),
  AvgPoolGrad: poolGradient(2, true),
  MaxPool3DGrad: poolGradient(3, false),
  AvgPool3DGrad: poolGradient(3, true),
  MaxPoolWithArgmax: Object.fromEntries(
    [false, true].map((includeBatchInIndex) => [
      includeBatchInIndex ? 'positions in the batch' : 'positions in the image',
      {
        inputs: { x: float([2, 4, 6, 3]) },
        attributes: { filterSize: 2, strides: 2, pad: 'valid', includeBatchInIndex },
      },
    ]),
  ),
  Dilation2D: dilation(() => ({})),
  Dilation2DBackpropInput: dilation((g) => ({ dy: float(outputShape(g, 2)) })),
  Dilation2DBackpropFilter: dilation((g) => ({ dy: float(outputShape(g, 2)) })),
};
