/**
 * Projective transforms of images: the pixel at (x, y) is read from
 *
 *   x′ = (a₀x + a₁y + a₂) / k      y′ = (b₀x + b₁y + b₂) / k      k = c₀x + c₁y + 1
 *
 * with [a₀, a₁, a₂, b₀, b₁, b₂, c₀, c₁] per image, or one for all.
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { binary, cast, clip, compare, elementwise, where, withScalar } from '../onnx/elementwise.js';
import type { GraphBuilder } from '../onnx/graph-builder.js';
import { reshape, sliceAxis } from '../onnx/movement.js';
import { compute, defineKernel } from './define-kernel.js';
import type { KernelDefinition, Value } from './kernel.js';
import { bilinear, type Grid, inside, pixels, roundHalfUp } from './sampling.js';
import { store } from './unary.js';

type FillMode = 'constant' | 'reflect' | 'wrap' | 'nearest';

interface TransformAttributes {
  readonly interpolation: 'nearest' | 'bilinear';
  readonly fillMode: FillMode;
  readonly fillValue: number;
  readonly outputShape?: [number, number];
}

type Inputs = { readonly image: TensorInfo; readonly transforms: TensorInfo };

export const transformKernels: readonly KernelDefinition[] = [
  defineKernel<Inputs, TransformAttributes>('Transform', ({ image, transforms }, attributes, backend) => {
    const { interpolation, fillMode, fillValue, outputShape } = attributes;
    const [batch = 1, height = 1, width = 1, channels = 1] = image.shape;
    const [rows, columns] = outputShape ?? [height, width];
    const output = { shape: [batch, rows, columns, channels], dtype: image.dtype };
    const key = { interpolation, fillMode, fillValue };
    return compute(backend, 'Transform', [image, transforms], key, output, (graph, [source, matrices]) => {
      const fill = graph.scalar('float32', fillValue);
      const { x, y, valid } = project(graph, matrices, rows, columns);
      const grid: Grid = {
        image: cast(graph, source, 'float32'),
        batch: graph.constant(
          'int32',
          Array.from({ length: batch }, (_, i) => i),
          [batch, 1, 1],
        ),
        y: place(graph, y, height, fillMode),
        x: place(graph, x, width, fillMode),
      };
      const read = (corner: Grid): Value => {
        const within = inside(graph, corner);
        return where(graph, reshape(graph, within, [...within.shape, 1]), pixels(graph, corner), fill);
      };
      const sampled =
        interpolation === 'bilinear'
          ? bilinear(graph, grid, read)
          : read({ ...grid, y: roundHalfUp(graph, grid.y), x: roundHalfUp(graph, grid.x) });
      const result = where(graph, reshape(graph, valid, [...valid.shape, 1]), sampled, fill);
      return store(graph, reshape(graph, result, output.shape), source.type);
    });
  }),
];

/** Source coordinates of every target pixel, each [images, rows, columns]; not valid where the projection is infinite. */
function project(graph: GraphBuilder, matrices: Value, rows: number, columns: number) {
  const images = matrices.shape[0] ?? 1;
  const entry = (index: number): Value => reshape(graph, sliceAxis(graph, matrices, 1, index, 1), [images, 1, 1]);
  const range = (length: number, shape: number[]): Value =>
    graph.constant(
      'float32',
      Array.from({ length }, (_, i) => i),
      shape,
    );
  const column = range(columns, [1, 1, columns]);
  const row = range(rows, [1, rows, 1]);
  const linear = (first: number): Value =>
    binary(graph, 'Add', binary(graph, 'Mul', entry(first), column), binary(graph, 'Mul', entry(first + 1), row));
  const scale = withScalar(graph, 'Add', linear(6), 1);
  const finite = compare(graph, 'Equal', scale, 0);
  const divisor = where(graph, finite, graph.scalar('float32', 1), scale);
  const coordinate = (first: number): Value =>
    binary(graph, 'Div', binary(graph, 'Add', linear(first), entry(first + 2)), divisor);
  return { x: coordinate(0), y: coordinate(3), valid: elementwise(graph, 'Not', [finite]) };
}

/** A coordinate brought back into an axis of `length` pixels, as the fill mode says. */
function place(graph: GraphBuilder, position: Value, length: number, mode: FillMode): Value {
  const last = length - 1;
  if (mode === 'constant') return position;
  if (mode === 'nearest') return clip(graph, position, 0, last);
  if (length <= 1) return withScalar(graph, 'Mul', position, 0);
  const add = (value: Value, by: number): Value => withScalar(graph, 'Add', value, by);
  const times = (value: Value, by: number): Value => withScalar(graph, 'Mul', value, by);
  const negated = times(position, -1);
  const whole = (value: Value, period: number): Value => elementwise(graph, 'Floor', [times(value, 1 / period)]);
  let before: Value;
  let behind: Value;
  if (mode === 'wrap') {
    before = binary(graph, 'Add', position, times(add(whole(negated, last), 1), length));
    behind = binary(graph, 'Sub', position, times(whole(position, last), length));
  } else {
    const period = 2 * length;
    const raised = binary(graph, 'Add', times(whole(negated, period), period), position);
    before = where(graph, compare(graph, 'Less', raised, -length), add(raised, period), add(times(raised, -1), -1));
    const lowered = binary(graph, 'Sub', position, times(whole(position, period), period));
    behind = where(
      graph,
      compare(graph, 'GreaterOrEqual', lowered, length),
      add(times(lowered, -1), period - 1),
      lowered,
    );
  }
  const upper = where(graph, compare(graph, 'Greater', position, last), behind, position);
  return clip(graph, where(graph, compare(graph, 'Less', position, 0), before, upper), 0, last);
}
