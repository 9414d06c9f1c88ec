/**
 * Kernels whose results have a shape that depends on values: they read their inputs, which computes everything pending,
 * and work on the host.
 */
import { backend_util, kernel_impls, type TensorInfo, type TypedArray, util } from '@tensorflow/tfjs-core';
import { defineKernel, sizeOf } from './define-kernel.js';
import type { KernelDefinition, LazyBackend } from './kernel.js';

interface Boxes {
  readonly boxes: TensorInfo;
  readonly scores: TensorInfo;
}

interface SuppressionAttributes {
  readonly maxOutputSize: number;
  readonly iouThreshold: number;
  readonly scoreThreshold: number;
  readonly padToMaxOutputSize: boolean;
  readonly softNmsSigma: number;
}

export const readBackKernels: readonly KernelDefinition[] = [
  defineKernel<Boxes, SuppressionAttributes>('NonMaxSuppressionV3', (inputs, attributes, backend) => {
    const { maxOutputSize, iouThreshold, scoreThreshold } = attributes;
    const { nonMaxSuppressionV3Impl: select } = kernel_impls;
    const { selectedIndices } = select(...read(backend, inputs), maxOutputSize, iouThreshold, scoreThreshold);
    return integers(backend, selectedIndices);
  }),
  defineKernel<Boxes, SuppressionAttributes>('NonMaxSuppressionV4', (inputs, attributes, backend) => {
    const { maxOutputSize, iouThreshold, scoreThreshold, padToMaxOutputSize } = attributes;
    const { nonMaxSuppressionV4Impl: select } = kernel_impls;
    const [boxes, scores] = read(backend, inputs);
    const found = select(boxes, scores, maxOutputSize, iouThreshold, scoreThreshold, padToMaxOutputSize);
    const count = backend.constant(Int32Array.of(found.validOutputs ?? 0), [], 'int32');
    return [integers(backend, found.selectedIndices), count];
  }),
  defineKernel<Boxes, SuppressionAttributes>('NonMaxSuppressionV5', (inputs, attributes, backend) => {
    const { maxOutputSize, iouThreshold, scoreThreshold, softNmsSigma } = attributes;
    const { nonMaxSuppressionV5Impl: select } = kernel_impls;
    const [boxes, scores] = read(backend, inputs);
    const found = select(boxes, scores, maxOutputSize, iouThreshold, scoreThreshold, softNmsSigma);
    const kept = Float32Array.from(found.selectedScores ?? []);
    return [integers(backend, found.selectedIndices), backend.constant(kept, [kept.length], 'float32')];
  }),
  defineKernel<{ s0: TensorInfo; s1: TensorInfo }>('BroadcastArgs', ({ s0, s1 }, _, backend) => {
    const [a, b] = [s0, s1].map(({ dataId }) => Array.from(backend.readSync(dataId) as TypedArray)) as [
      number[],
      number[],
    ];
    return integers(backend, backend_util.assertAndGetBroadcastShape(a, b));
  }),
  defineKernel<{ x: TensorInfo }, { axis: number }>('Unique', ({ x }, { axis }, backend) => unique(x, axis, backend)),
];

function read(backend: LazyBackend, { boxes, scores }: Boxes): [TypedArray, TypedArray] {
  return [backend.readSync(boxes.dataId) as TypedArray, backend.readSync(scores.dataId) as TypedArray];
}

function integers(backend: LazyBackend, values: readonly number[]): TensorInfo {
  return backend.constant(Int32Array.from(values), [values.length], 'int32');
}

/** The distinct slices along an axis, in the order in which they first appear, and for each slice which of them it is. */
function unique(x: TensorInfo, along: number, backend: LazyBackend): TensorInfo[] {
  const axis = util.parseAxisParam(along, x.shape)[0] ?? 0;
  const values = backend.readSync(x.dataId);
  const length = x.shape[axis] ?? 0;
  const outer = sizeOf(x.shape.slice(0, axis));
  const inner = sizeOf(x.shape.slice(axis + 1));
  /** Positions of one slice's elements. */
  const slice = (at: number): number[] =>
    Array.from({ length: outer * inner }, (_, i) => (Math.floor(i / inner) * length + at) * inner + (i % inner));

  const places = new Map<string, number>();
  const firsts: number[] = [];
  const indices = Int32Array.from({ length }, (_, at) => {
    const content = slice(at)
      .map((i) => String(values[i]))
      .join();
    const known = places.get(content);
    if (known !== undefined) return known;
    places.set(content, places.size);
    firsts.push(at);
    return places.size - 1;
  });

  const shape = x.shape.map((size, i) => (i === axis ? firsts.length : size));
  const result = (
    x.dtype === 'string' ? [] : util.makeZerosTypedArray(sizeOf(shape), x.dtype as 'float32')
  ) as Uint8Array[];
  firsts.forEach((at, target) => {
    slice(at).forEach((source, i) => {
      result[(Math.floor(i / inner) * firsts.length + target) * inner + (i % inner)] = values[source] as Uint8Array;
    });
  });
  return [backend.constant(result, shape, x.dtype), backend.constant(indices, [length], 'int32')];
}
