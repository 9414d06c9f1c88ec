/**
 * Kernels that arrange values anew and change none: shapes, order, slices, concatenation, repetition, padding.
 *
 * Shapes and axes are those of tfjs; a complex64 tensor has one axis more in the graph, behind them, which stays as it is.
 */
import { slice_util, type TensorInfo, util, backend_util } from '@tensorflow/tfjs-core';
import { cast } from '../onnx/elementwise.js';
import type { GraphBuilder } from '../onnx/graph-builder.js';
import {
  concat,
  expand,
  gather,
  pad,
  replace,
  reshape,
  reverse,
  slice,
  split,
  stack,
  transpose,
} from '../onnx/movement.js';
import { realPart, toComplex } from './complex.js';
import { compute, computeAll, defineKernel, move, sizeOf, storedShape, storedType } from './define-kernel.js';
import type { KernelDefinition, LazyBackend, Value } from './kernel.js';
import { store } from './unary.js';

type X = { x: TensorInfo };

export const layoutKernels: readonly KernelDefinition[] = [
  defineKernel<X>('Identity', ({ x }, _, backend) => backend.share(x)),
  defineKernel<X, { shape: number[] }>('Reshape', ({ x }, { shape }, backend) =>
    backend.share(x, util.inferFromImplicitShape(shape, sizeOf(x.shape))),
  ),
  defineKernel<{ input: TensorInfo }, { dim: number }>('ExpandDims', ({ input }, { dim }, backend) => {
    const rank = input.shape.length;
    util.assert(-(rank + 1) <= dim && dim <= rank, () => `Axis must be in the interval [${-(rank + 1)}, ${rank}]`);
    const axis = dim < 0 ? input.shape.length + dim + 1 : dim;
    return backend.share(input, [...input.shape.slice(0, axis), 1, ...input.shape.slice(axis)]);
  }),
  defineKernel<X, { dtype: TensorInfo['dtype'] }>('Cast', ({ x }, { dtype }, backend) => {
    if (x.dtype === dtype) return backend.share(x);
    return compute(backend, 'Cast', [x], {}, { shape: x.shape, dtype }, (graph, [value]) => {
      if (dtype === 'complex64') return toComplex(graph, value);
      const number = x.dtype === 'complex64' ? realPart(graph, value) : value;
      return dtype === 'bool' ? cast(graph, number, 'bool') : store(graph, number, storedType(dtype));
    });
  }),
  defineKernel<X, { perm: number[] }>('Transpose', ({ x }, { perm }, backend) => {
    const shape = perm.map((axis) => x.shape[axis] ?? 1);
    return move(backend, 'Transpose', [x], { perm }, shape, (graph, [value]) =>
      transpose(
        graph,
        value,
        value.shape.map((_, axis) => perm[axis] ?? axis),
      ),
    );
  }),
  defineKernel<X, { dims: number | number[] }>('Reverse', ({ x }, { dims }, backend) => {
    const axes = util.parseAxisParam(dims, x.shape);
    return move(backend, 'Reverse', [x], { axes }, x.shape, (graph, [value]) => reverse(graph, value, axes));
  }),
  defineKernel<X, { begin: number | number[]; size: number | number[] }>('Slice', ({ x }, attributes, backend) => {
    const [begin, size] = slice_util.parseSliceParams(x, attributes.begin, attributes.size) as [number[], number[]];
    slice_util.assertParamsValid(x, begin, size);
    if (util.arraysEqual(size, x.shape)) return backend.share(x);
    return move(backend, 'Slice', [x], { begin }, size, (graph, [value]) =>
      slice(graph, value, begin, storedShape(size, x.dtype)),
    );
  }),
  defineKernel<X, StridedSliceAttributes>('StridedSlice', stridedSlice),
  defineKernel<X, { paddings: [number, number][]; constantValue: number }>('PadV2', ({ x }, attributes, backend) => {
    const { paddings, constantValue } = attributes;
    const output = { shape: padded(x.shape, paddings), dtype: x.dtype };
    return compute(backend, 'PadV2', [x], { paddings: paddings.flat(), constantValue }, output, (graph, [value]) =>
      pad(graph, value, paddings, constantValue),
    );
  }),
  defineKernel<X, { paddings: [number, number][]; mode: 'reflect' | 'symmetric' }>('MirrorPad', mirrorPad),
  defineKernel<X, { reps: number[] }>('Tile', ({ x }, { reps }, backend) => {
    const output = { shape: x.shape.map((length, axis) => length * (reps[axis] ?? 1)), dtype: x.dtype };
    return compute(backend, 'Tile', [x], { reps }, output, (graph, [value]) => tile(graph, value, reps, output.shape));
  }),
  defineKernel<TensorInfo[], { axis: number }>('Concat', (inputs, attributes, backend) => {
    const tensors = [...inputs];
    const axis = util.parseAxisParam(attributes.axis, tensors[0]?.shape ?? [])[0] ?? 0;
    const shapes = tensors.map(({ shape }) => shape);
    backend_util.assertParamsConsistent(shapes, axis);
    const output = { shape: backend_util.computeOutShape(shapes, axis), dtype: tensors[0]?.dtype ?? 'float32' };
    const filled = tensors.filter(({ shape }) => sizeOf(shape) > 0);
    if (filled.length === 1) return backend.share(filled[0] as TensorInfo);
    return compute(backend, 'Concat', filled, { axis }, output, (graph, values) => concat(graph, values, axis));
  }),
  defineKernel<TensorInfo[], { axis: number }>('Pack', (inputs, { axis }, backend) => {
    const tensors = [...inputs];
    const { shape, dtype } = tensors[0] as TensorInfo;
    for (const tensor of tensors) {
      util.assertShapesMatch(shape, tensor.shape, 'All tensors passed to stack must have matching shapes');
      util.assert(dtype === tensor.dtype, () => 'All tensors passed to stack must have matching dtypes');
    }
    const output = { shape: [...shape.slice(0, axis), tensors.length, ...shape.slice(axis)], dtype };
    if (tensors.length === 1) return backend.share(tensors[0] as TensorInfo, output.shape);
    return compute(backend, 'Pack', tensors, { axis }, output, (graph, values) => stack(graph, values, axis));
  }),
  defineKernel<{ value: TensorInfo }, { axis: number }>('Unpack', ({ value }, attributes, backend) => {
    const axis = util.parseAxisParam(attributes.axis, value.shape)[0] ?? 0;
    const count = value.shape[axis] ?? 0;
    const output = { shape: value.shape.filter((_, at) => at !== axis), dtype: value.dtype };
    return computeAll(
      backend,
      'Unpack',
      [value],
      { axis },
      Array.from({ length: count }, () => output),
      (graph, [x]) =>
        split(
          graph,
          x,
          Array.from({ length: count }, () => 1),
          axis,
        ).map((part) => reshape(graph, part, storedShape(output.shape, value.dtype))),
    );
  }),
  defineKernel<X, { numOrSizeSplits: number | number[]; axis: number }>('SplitV', ({ x }, attributes, backend) => {
    const axis = util.parseAxisParam(attributes.axis, x.shape)[0] ?? 0;
    const sizes = backend_util.prepareSplitSize(x as never, attributes.numOrSizeSplits, axis);
    if (sizes.length === 1) return [backend.share(x)];
    const type = backend.storedType(x);
    const outputs = sizes.map((length) => ({ shape: replace(x.shape, axis, length), dtype: x.dtype, type }));
    const emit = (graph: GraphBuilder, [value]: readonly [Value]): Value[] => split(graph, value, sizes, axis);
    return computeAll(backend, 'SplitV', [x], { axis }, outputs, emit, { raw: true });
  }),
];

interface StridedSliceAttributes {
  readonly begin: number[];
  readonly end: number[];
  readonly strides: number[];
  readonly beginMask: number;
  readonly endMask: number;
  readonly ellipsisMask: number;
  readonly newAxisMask: number;
  readonly shrinkAxisMask: number;
}

function stridedSlice({ x }: X, attributes: StridedSliceAttributes, backend: LazyBackend): TensorInfo {
  const { begin, end, strides, beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask } = attributes;
  const info = slice_util.sliceInfo(
    x.shape,
    begin,
    end,
    strides,
    beginMask,
    endMask,
    ellipsisMask,
    newAxisMask,
    shrinkAxisMask,
  );
  if (info.isIdentity) return backend.share(x, info.finalShape);
  // Without the axes that are added or dropped at the end.
  const size = slice_util.computeOutShape(info.begin, info.end, info.strides);
  const key = { begin: info.begin, strides: info.strides, size };
  return move(backend, 'StridedSlice', [x], key, info.finalShape, (graph, [value]) => {
    const axes = info.begin.map((_, axis) => axis);
    // An end of −1 would count from the back; before the start lies only a very negative one.
    const ends = info.end.map((to, axis) => ((info.strides[axis] ?? 1) < 0 && to < 0 ? -(2 ** 31) : to));
    const inputs = [value, ...[info.begin, ends, axes, info.strides].map((list) => graph.integers(list))];
    const shape = storedShape(size, x.dtype);
    return reshape(
      graph,
      graph.node('Slice', inputs, { type: value.type, shape }),
      storedShape(info.finalShape, x.dtype),
    );
  });
}

/** Pads with the values as in a mirror: 'reflect' without the edge itself, 'symmetric' with it. */
function mirrorPad(
  { x }: X,
  { paddings, mode }: { paddings: [number, number][]; mode: 'reflect' | 'symmetric' },
  backend: LazyBackend,
): TensorInfo {
  const output = { shape: padded(x.shape, paddings), dtype: x.dtype };
  const edge = mode === 'reflect' ? 0 : 1;
  return compute(backend, 'MirrorPad', [x], { paddings: paddings.flat(), mode }, output, (graph, [value]) =>
    paddings.reduce((result, [before, after], axis) => {
      if (before === 0 && after === 0) return result;
      const length = x.shape[axis] ?? 0;
      const sources = Array.from({ length: before + length + after }, (_, at) => {
        const i = at - before;
        return i < 0 ? -i - edge : i >= length ? 2 * (length - 1) - i + edge : i;
      });
      return gather(graph, result, graph.constant('int32', sources, [sources.length]), axis);
    }, value),
  );
}

const padded = (shape: readonly number[], paddings: readonly [number, number][]): number[] =>
  shape.map((length, axis) => length + (paddings[axis]?.[0] ?? 0) + (paddings[axis]?.[1] ?? 0));

/** Expand, which the runtime does in parallel, wherever only axes of size 1 repeat; Tile on one thread elsewhere. */
function tile(graph: GraphBuilder, x: Value, reps: readonly number[], shape: readonly number[]): Value {
  if (x.shape.every((length, axis) => length === 1 || (reps[axis] ?? 1) === 1)) return expand(graph, x, shape);
  return graph.node('Tile', [x, graph.integers(reps)], { type: x.type, shape });
}
