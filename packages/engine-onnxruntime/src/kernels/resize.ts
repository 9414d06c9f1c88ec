/**
 * Resizing of images [batch, height, width, channels], bilinear and by nearest neighbour, and the gradients.
 *
 * Which source rows and columns a target has, and with which weights, depends on sizes alone, so it is worked out when the
 * graph is written. A gradient is the transposed map: a product with the matrix of weights, for each axis in turn.
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { binary, cast } from '../onnx/elementwise.js';
import type { GraphBuilder } from '../onnx/graph-builder.js';
import { gather, reshape } from '../onnx/movement.js';
import { matMul } from '../onnx/reduction.js';
import { compute, defineKernel } from './define-kernel.js';
import type { KernelDefinition, Value } from './kernel.js';
import { store } from './unary.js';

interface ResizeAttributes {
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;
  readonly size: [number, number];
}

/** For one axis: target i = low[i]·(1 − weight[i]) + high[i]·weight[i]. */
interface Sources {
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly weight: readonly number[];
}

type Method = (from: number, to: number, attributes: Omit<ResizeAttributes, 'size'>) => Sources;

const bilinear: Method = (from, to, { alignCorners, halfPixelCenters }) => {
  const ratio = scale(from, to, alignCorners);
  const exact = targets(to).map((i) => (halfPixelCenters ? ratio * (i + 0.5) - 0.5 : ratio * i));
  const low = exact.map((position) => Math.max(0, Math.floor(position)));
  return {
    low,
    high: exact.map((position) => Math.max(0, Math.min(from - 1, Math.ceil(position)))),
    weight: exact.map((position, i) => position - (low[i] ?? 0)),
  };
};

const nearest: Method = (from, to, { alignCorners, halfPixelCenters }) => {
  const ratio = scale(from, to, alignCorners);
  const low = targets(to).map((i) => {
    const position = ratio * (halfPixelCenters ? i + 0.5 : i);
    return Math.min(from - 1, alignCorners ? Math.round(position) : Math.floor(position));
  });
  return { low, high: low, weight: low.map(() => 0) };
};

export const resizeKernels: readonly KernelDefinition[] = [
  forward('ResizeBilinear', bilinear, 'float32'),
  forward('ResizeNearestNeighbor', nearest, 'as images'),
  backward('ResizeBilinearGrad', bilinear),
  backward('ResizeNearestNeighborGrad', nearest),
];

function forward(name: string, method: Method, result: 'float32' | 'as images'): KernelDefinition {
  return defineKernel<{ images: TensorInfo }, ResizeAttributes>(name, ({ images }, attributes, backend) => {
    const [batch = 1, height = 1, width = 1, channels = 1] = images.shape;
    const [newHeight, newWidth] = attributes.size;
    const dtype = result === 'float32' ? result : images.dtype;
    const output = { shape: [batch, newHeight, newWidth, channels], dtype };
    return compute(backend, name, [images], options(attributes), output, (graph, [image]) => {
      const real = cast(graph, image, 'float32');
      const rows = interpolate(graph, real, method(height, newHeight, attributes), 1);
      const pixels = interpolate(graph, rows, method(width, newWidth, attributes), 2);
      return result === 'float32' ? pixels : store(graph, pixels, image.type);
    });
  });
}

/** As in tfjs, whose gradients know no `halfPixelCenters`. */
function backward(name: string, method: Method): KernelDefinition {
  return defineKernel<{ images: TensorInfo; dy: TensorInfo }, ResizeAttributes>(
    name,
    ({ images, dy }, { alignCorners }, backend) => {
      const attributes = { alignCorners, halfPixelCenters: false };
      const [batch = 1, height = 1, width = 1, channels = 1] = images.shape;
      const [, newHeight = 1, newWidth = 1] = dy.shape;
      const output = { shape: images.shape, dtype: 'float32' } as const;
      return compute(backend, name, [images, dy], attributes, output, (graph, [, upstream]) => {
        const flat = reshape(graph, upstream, [batch, newHeight, newWidth * channels]);
        const rows = matMul(graph, weights(graph, method(height, newHeight, attributes), height), flat);
        const pixels = reshape(graph, rows, [batch * height, newWidth, channels]);
        const columns = matMul(graph, weights(graph, method(width, newWidth, attributes), width), pixels);
        return reshape(graph, columns, images.shape);
      });
    },
  );
}

function options({ alignCorners, halfPixelCenters }: ResizeAttributes) {
  return { alignCorners, halfPixelCenters };
}

/** Source positions per target position. */
function scale(from: number, to: number, alignCorners: boolean): number {
  return alignCorners && to > 1 ? (from - 1) / (to - 1) : from / to;
}

function targets(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}

function interpolate(graph: GraphBuilder, x: Value, { low, high, weight }: Sources, axis: number): Value {
  const at = (positions: readonly number[]): Value =>
    gather(graph, x, graph.constant('int32', positions, [positions.length]), axis);
  const first = at(low);
  if (weight.every((share) => share === 0)) return first;
  const shape = x.shape.map((_, i) => (i === axis ? weight.length : 1));
  const difference = binary(graph, 'Sub', at(high), first);
  return binary(graph, 'Add', first, binary(graph, 'Mul', difference, graph.constant('float32', weight, shape)));
}

/** [sources, targets]: the share that each source has in each target. */
function weights(graph: GraphBuilder, { low, high, weight }: Sources, length: number): Value {
  const shares = new Float32Array(length * low.length);
  const add = (source: number, target: number, share: number): void => {
    const at = source * low.length + target;
    shares[at] = (shares[at] ?? 0) + share;
  };
  weight.forEach((share, target) => {
    add(low[target] ?? 0, target, 1 - share);
    add(high[target] ?? 0, target, share);
  });
  return graph.constant('float32', shares, [length, low.length]);
}
