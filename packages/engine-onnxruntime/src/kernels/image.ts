/**
 * Image kernels that read pixels at computed places: crop and resize, rotation, projective transforms, mirror images.
 *
 * Images are [batch, height, width, channels]. Coordinates that come from tensors are computed in the graph.
 */
import { backend_util, type TensorInfo } from '@tensorflow/tfjs-core';
import { binary, cast, compare, where, withScalar } from '../onnx/elementwise.js';
import type { GraphBuilder } from '../onnx/graph-builder.js';
import { concat, expand, gather, reshape, reverse, sliceAxis } from '../onnx/movement.js';
import { compute, defineKernel } from './define-kernel.js';
import type { KernelDefinition, LazyBackend, Value } from './kernel.js';
import { bilinear, type Grid, inside, nearest } from './sampling.js';
import { store } from './unary.js';

interface CropAttributes {
  readonly cropSize: [number, number];
  readonly method: 'bilinear' | 'nearest';
  readonly extrapolationValue: number;
}

interface RotateAttributes {
  readonly radians: number;
  readonly fillValue: number | [number, number, number];
  readonly center: number | [number, number];
}

export const imageKernels: readonly KernelDefinition[] = [
  defineKernel<{ image: TensorInfo }>('FlipLeftRight', ({ image }, _, backend) =>
    compute(backend, 'FlipLeftRight', [image], {}, image, (graph, [pixels]) => reverse(graph, pixels, [2])),
  ),
  defineKernel<{ image: TensorInfo; boxes: TensorInfo; boxInd: TensorInfo }, CropAttributes>(
    'CropAndResize',
    cropAndResize,
  ),
  defineKernel<{ image: TensorInfo }, RotateAttributes>('RotateWithOffset', rotate),
];

function cropAndResize(
  { image, boxes, boxInd }: { image: TensorInfo; boxes: TensorInfo; boxInd: TensorInfo },
  { cropSize, method, extrapolationValue }: CropAttributes,
  backend: LazyBackend,
): TensorInfo {
  const [batch = 1, height = 1, width = 1, channels = 1] = image.shape;
  const count = boxes.shape[0] ?? 0;
  const [rows, columns] = cropSize;
  const output = { shape: [count, rows, columns, channels], dtype: 'float32' } as const;
  const key = { method, extrapolationValue };
  return compute(backend, 'CropAndResize', [image, boxes, boxInd], key, output, (graph, [pixels, corners, owners]) => {
    const corner = (index: number): Value => sliceAxis(graph, corners, 1, index, 1); // [boxes, 1]
    const y = along(graph, corner(0), corner(2), rows, height); // [boxes, rows]
    const x = along(graph, corner(1), corner(3), columns, width); // [boxes, columns]
    const owner = cast(graph, owners, 'int32');
    const known = compare(graph, 'Less', owner, batch);
    const grid: Grid = {
      image: cast(graph, pixels, 'float32'),
      batch: reshape(graph, where(graph, known, owner, graph.scalar('int32', 0)), [count, 1, 1]),
      y: reshape(graph, y, [count, rows, 1]),
      x: reshape(graph, x, [count, 1, columns]),
    };
    const sampled = method === 'bilinear' ? bilinear(graph, grid) : nearest(graph, grid);
    const within = inside(graph, grid);
    const filled = where(
      graph,
      reshape(graph, within, [...within.shape, 1]),
      sampled,
      graph.scalar('float32', extrapolationValue),
    );
    // A box of an image that is not there stays 0.
    return where(graph, reshape(graph, known, [count, 1, 1, 1]), filled, graph.scalar('float32', 0));
  });
}

/** Positions of `length` samples between two corners given as shares of an axis of `size` pixels: [boxes, length]. */
function along(graph: GraphBuilder, from: Value, to: Value, length: number, size: number): Value {
  if (length === 1) return withScalar(graph, 'Mul', binary(graph, 'Add', from, to), 0.5 * (size - 1));
  const start = withScalar(graph, 'Mul', from, size - 1);
  const step = withScalar(graph, 'Mul', binary(graph, 'Sub', to, from), (size - 1) / (length - 1));
  const index = graph.constant(
    'float32',
    Array.from({ length }, (_, i) => i),
    [1, length],
  );
  return binary(graph, 'Add', start, binary(graph, 'Mul', index, step));
}

/** Rotates about a centre. The sources depend on the attributes alone, but enter as values: an angle may differ every time. */
function rotate({ image }: { image: TensorInfo }, attributes: RotateAttributes, backend: LazyBackend): TensorInfo {
  const [batch = 1, height = 1, width = 1, channels = 1] = image.shape;
  const outside = height * width;
  const fill = Array.from({ length: channels }, (_, channel) => fillOf(attributes.fillValue, channel));
  const sources = backend.constant(rotatedSources(attributes, height, width), [outside], 'int32');
  const filling = backend.constant(Float32Array.from(fill), [1, 1, channels], 'float32');
  const result = compute(
    backend,
    'RotateWithOffset',
    [image, sources, filling],
    {},
    image,
    (graph, [pixels, from, colour]) => {
      const flat = reshape(graph, cast(graph, pixels, 'float32'), [batch, outside, channels]);
      // One pixel more, behind the last, for all that come from outside.
      const extended = concat(graph, [flat, expand(graph, colour, [batch, 1, channels])], 1);
      return store(graph, reshape(graph, gather(graph, extended, from, 1), image.shape), pixels.type);
    },
  );
  backend.release(sources);
  backend.release(filling);
  return result;
}

function fillOf(fillValue: RotateAttributes['fillValue'], channel: number): number {
  if (typeof fillValue === 'number') return fillValue;
  return channel === 3 ? 255 : (fillValue[channel] ?? 0); // opaque
}

function rotatedSources({ radians, center }: RotateAttributes, height: number, width: number): Int32Array {
  const [centerX, centerY] = backend_util.getImageCenter(center, height, width);
  const [sine, cosine] = [Math.sin(radians), Math.cos(radians)];
  return Int32Array.from({ length: height * width }, (_, i) => {
    const x = (i % width) - centerX;
    const y = Math.floor(i / width) - centerY;
    const column = Math.round(x * cosine - y * sine + centerX);
    const row = Math.round(x * sine + y * cosine + centerY);
    return column >= 0 && column < width && row >= 0 && row < height ? row * width + column : height * width;
  });
}
