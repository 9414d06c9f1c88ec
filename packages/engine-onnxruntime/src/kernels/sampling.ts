/**
 * Reading an image at positions between its pixels, nearest or bilinear.
 */
import { binary, cast, clip, compare, elementwise, withScalar } from '../onnx/elementwise.js';
import type { GraphBuilder } from '../onnx/graph-builder.js';
import { gather, reshape } from '../onnx/movement.js';
import type { Value } from './kernel.js';

/** Where to read: `batch`, `y` and `x` broadcast to the positions' shape. */
export interface Grid {
  readonly image: Value; // float32 [batch, height, width, channels]
  readonly batch: Value; // int32
  readonly y: Value; // float32, in pixels
  readonly x: Value;
}

/** Pixels [...positions, channels]; positions outside give the nearest pixel inside. */
export function pixels(graph: GraphBuilder, { image, batch, y, x }: Grid): Value {
  const [count = 1, height = 1, width = 1, channels = 1] = image.shape;
  const flat = reshape(graph, image, [count * height * width, channels]);
  const row = cast(graph, clip(graph, y, 0, height - 1), 'int32');
  const column = cast(graph, clip(graph, x, 0, width - 1), 'int32');
  const rows = binary(graph, 'Add', withScalar(graph, 'Mul', batch, height), row);
  return gather(graph, flat, binary(graph, 'Add', withScalar(graph, 'Mul', rows, width), column), 0);
}

/** Whether a position lies between the first and the last pixel's centre: bool [...positions]. */
export function inside(graph: GraphBuilder, { image, y, x }: Grid): Value {
  const [, height = 1, width = 1] = image.shape;
  const between = (value: Value, last: number): Value =>
    binary(graph, 'And', compare(graph, 'GreaterOrEqual', value, 0), compare(graph, 'LessOrEqual', value, last));
  return binary(graph, 'And', between(y, height - 1), between(x, width - 1));
}

/** As JavaScript rounds: halves up. */
export function roundHalfUp(graph: GraphBuilder, x: Value): Value {
  return elementwise(graph, 'Floor', [withScalar(graph, 'Add', x, 0.5)]);
}

export function nearest(graph: GraphBuilder, grid: Grid): Value {
  return pixels(graph, { ...grid, y: roundHalfUp(graph, grid.y), x: roundHalfUp(graph, grid.x) });
}

/** Weighted by nearness from the four pixels around; `read` gets those, by default from inside the image. */
export function bilinear(
  graph: GraphBuilder,
  grid: Grid,
  read: (grid: Grid) => Value = (corner) => pixels(graph, corner),
): Value {
  const [top, left] = [grid.y, grid.x].map((value) => elementwise(graph, 'Floor', [value])) as [Value, Value];
  const [bottom, right] = [top, left].map((value) => withScalar(graph, 'Add', value, 1)) as [Value, Value];
  const share = (value: Value, floor: Value): Value => {
    const fraction = binary(graph, 'Sub', value, floor);
    return reshape(graph, fraction, [...fraction.shape, 1]);
  };
  const mix = (a: Value, b: Value, weight: Value): Value =>
    binary(graph, 'Add', a, binary(graph, 'Mul', binary(graph, 'Sub', b, a), weight));
  const row = (y: Value): Value =>
    mix(read({ ...grid, y, x: left }), read({ ...grid, y, x: right }), share(grid.x, left));
  return mix(row(top), row(bottom), share(grid.y, top));
}
