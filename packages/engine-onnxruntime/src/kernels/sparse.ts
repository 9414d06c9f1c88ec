/**
 * Sparse tensors in coordinate form: indices [entries, rank], values [entries], dense shape [rank].
 *
 * Their results' shapes depend on indices, which are read; data of segment reductions stays in the graph.
 */
import { backend_util, type TensorInfo, type TypedArray, util } from '@tensorflow/tfjs-core';
import { LoranError } from '@loran/plugin';
import { binary, cast } from '../onnx/elementwise.js';
import { gather, reshape } from '../onnx/movement.js';
import { compute, defineKernel, sizeOf } from './define-kernel.js';
import type { KernelDefinition, LazyBackend } from './kernel.js';
import { addRows } from './scatter.js';
import { store } from './unary.js';

interface Segments {
  readonly data: TensorInfo;
  readonly indices: TensorInfo;
  readonly segmentIds: TensorInfo;
}

interface SparseTensor {
  readonly indices: TensorInfo;
  readonly values: TensorInfo;
  readonly denseShape: TensorInfo;
  readonly defaultValue: TensorInfo;
}

interface ReshapeInputs {
  readonly inputIndices: TensorInfo;
  readonly inputShape: TensorInfo;
  readonly newShape: TensorInfo;
}

export const sparseKernels: readonly KernelDefinition[] = [
  defineKernel<Segments>('SparseSegmentSum', (inputs, _, backend) =>
    segmentReduction('SparseSegmentSum', inputs, backend),
  ),
  defineKernel<Segments>('SparseSegmentMean', (inputs, _, backend) =>
    segmentReduction('SparseSegmentMean', inputs, backend),
  ),
  defineKernel<ReshapeInputs>('SparseReshape', sparseReshape),
  defineKernel<SparseTensor>('SparseFillEmptyRows', fillEmptyRows),
];

const numbers = (backend: LazyBackend, x: TensorInfo): number[] => Array.from(backend.readSync(x.dataId) as TypedArray);

function refuse(message: string): never {
  throw new LoranError('INVALID_SPARSE_TENSOR', message);
}

/** Sums or means of the rows of `data` that `indices` name, in the segments that the sorted `segmentIds` give. */
function segmentReduction(name: string, { data, indices, segmentIds }: Segments, backend: LazyBackend): TensorInfo {
  if (data.shape.length < 1) refuse('Data should be at least 1 dimensional but received scalar');
  if (indices.shape.length !== 1) refuse(`Indices should be a vector but received shape\n          ${indices.shape}`);
  if (segmentIds.shape.length !== 1) {
    refuse(`Segment ids should be a vector but received shape\n          ${segmentIds.shape}`);
  }
  if (indices.shape[0] !== segmentIds.shape[0]) refuse('segmentIds and indices should have same size.');
  const ids = numbers(backend, segmentIds);
  const sources = numbers(backend, indices);
  const rows = ids.length === 0 ? 0 : (ids.at(-1) ?? 0) + 1;
  checkSegments(ids, sources, rows, data.shape[0] ?? 0);

  const counts = new Float32Array(rows);
  for (const id of ids) counts[id] = (counts[id] ?? 0) + 1;
  const divisors = backend.constant(
    counts.map((count) => Math.max(1, count)),
    [rows],
    'float32',
  );
  const output = { shape: [rows, ...data.shape.slice(1)], dtype: data.dtype };
  const result = compute(backend, name, [data, indices, segmentIds, divisors], {}, output, (graph, inputs) => {
    const [values, at, segments, divisor] = inputs;
    const found = gather(graph, values, at, 0);
    const width = sizeOf(data.shape.slice(1));
    const summands = reshape(graph, found, [ids.length, width]);
    const sums = reshape(graph, addRows(graph, [rows, width], segments, summands), output.shape);
    if (name === 'SparseSegmentSum') return sums;
    const size = reshape(graph, divisor, [rows, ...data.shape.slice(1).map(() => 1)]);
    return store(graph, binary(graph, 'Div', cast(graph, sums, 'float32'), size), values.type);
  });
  backend.release(divisors);
  return result;
}

function checkSegments(ids: readonly number[], sources: readonly number[], rows: number, inputRows: number): void {
  if (rows < 0 || (ids.length > 0 && rows === 0)) {
    refuse(backend_util.getSparseSegmentReductionNegativeSegmentIdsErrorMessage());
  }
  ids.forEach((id, i) => {
    const next = ids[i + 1];
    if (next !== undefined && next < id) {
      refuse(backend_util.getSparseSegmentReductionNonIncreasingSegmentIdsErrorMessage());
    }
    if (id < 0 || id >= rows) refuse(backend_util.getSparseSegmentReductionSegmentIdOutOfRangeErrorMessage(id, rows));
    const source = sources[i] ?? 0;
    if (source < 0 || source >= inputRows) {
      refuse(backend_util.getSparseSegmentReductionIndicesOutOfRangeErrorMessage(i, source, inputRows));
    }
  });
}

/** The same entries under another dense shape, one of whose sizes may be −1. */
function sparseReshape(
  { inputIndices, inputShape, newShape }: ReshapeInputs,
  _: unknown,
  backend: LazyBackend,
): TensorInfo[] {
  if (inputIndices.shape.length !== 2) {
    refuse(`Input indices should be a matrix but received shape\n        ${inputIndices.shape}`);
  }
  if (inputShape.shape.length !== 1)
    refuse(`Input shape should be a vector but received shape\n        ${inputShape.shape}`);
  if (newShape.shape.length !== 1) refuse(`Target shape should be a vector but received shape ${newShape.shape}`);
  const from = numbers(backend, inputShape);
  const to = inferShape(from, numbers(backend, newShape));
  const indices = numbers(backend, inputIndices);
  const count = inputIndices.shape[0] ?? 0;
  const strides = util.computeStrides(from);
  const moved = Array.from({ length: count }, (__, entry) => {
    const place = indices.slice(entry * from.length, (entry + 1) * from.length);
    const flat = place.reduce((sum, index, axis) => sum + index * (strides[axis] ?? 1), 0);
    return util.indexToLoc(flat, to.length, util.computeStrides(to));
  });
  return [
    backend.constant(Int32Array.from(moved.flat()), [count, to.length], inputIndices.dtype),
    backend.constant(Int32Array.from(to), [to.length], newShape.dtype),
  ];
}

function inferShape(from: readonly number[], wanted: readonly number[]): number[] {
  const size = sizeOf(from);
  const open = wanted.indexOf(-1);
  wanted.forEach((length, axis) => {
    if (length === -1 && axis !== open)
      refuse(backend_util.getSparseReshapeMultipleNegativeOneOutputDimErrorMessage(open, axis));
    if (length < -1) refuse(backend_util.getSparseReshapeNegativeOutputDimErrorMessage(axis, length));
  });
  const shape = wanted.map((length) => (length === -1 ? 1 : length));
  if (open !== -1) {
    const product = sizeOf(shape);
    if (product <= 0) refuse(backend_util.getSparseReshapeEmptyTensorZeroOutputDimErrorMessage());
    if (size % product !== 0) refuse(backend_util.getSparseReshapeInputOutputMultipleErrorMessage([...from], shape));
    shape[open] = size / product;
  }
  if (sizeOf(shape) !== size) refuse(backend_util.getSparseReshapeInputOutputMismatchErrorMessage([...from], shape));
  return shape;
}

/** Gives every row that has no entry one of the default value. Entries come out ordered by row. */
function fillEmptyRows(
  { indices, values, denseShape, defaultValue }: SparseTensor,
  _: unknown,
  backend: LazyBackend,
): TensorInfo[] {
  if (denseShape.shape.length !== 1) refuse(`Dense shape must be a vector, saw:\n        ${denseShape.shape}`);
  if (indices.shape.length !== 2) refuse(`Indices must be a matrix, saw:\n        ${indices.shape}`);
  if (values.shape.length !== 1) refuse(`Values must be a vector, saw:\n        ${values.shape}`);
  if (defaultValue.shape.length !== 0) refuse(`Default value must be a scalar, saw:\n        ${defaultValue.shape}`);
  const places = numbers(backend, indices);
  const content = backend.readSync(values.dataId);
  const rows = numbers(backend, denseShape)[0] ?? 0;
  const [count = 0, rank = 1] = indices.shape;
  if (rows === 0 && count !== 0) refuse(backend_util.getSparseFillEmptyRowsIndicesDenseShapeMismatch(count));

  const entriesOf = Array.from({ length: rows }, (): number[] => []);
  for (let entry = 0; entry < count; entry++) {
    const row = places[entry * rank] ?? 0;
    if (row < 0) refuse(backend_util.getSparseFillEmptyRowsNegativeIndexErrorMessage(entry, row));
    if (row >= rows) refuse(backend_util.getSparseFillEmptyRowsOutOfRangeIndexErrorMessage(entry, row, rows));
    entriesOf[row]?.push(entry);
  }
  const reverse = new Int32Array(count);
  const outIndices: number[] = [];
  const outValues: unknown[] = [];
  const filler = backend.readSync(defaultValue.dataId)[0];
  entriesOf.forEach((entries, row) => {
    if (entries.length === 0) {
      outIndices.push(row, ...Array.from({ length: rank - 1 }, () => 0));
      outValues.push(filler);
    }
    for (const entry of entries) {
      reverse[entry] = outValues.length;
      outIndices.push(...places.slice(entry * rank, (entry + 1) * rank));
      outValues.push(content[entry]);
    }
  });
  const total = outValues.length;
  const typed = values.dtype === 'string' ? outValues : util.toTypedArray(outValues as number[], values.dtype);
  return [
    backend.constant(Int32Array.from(outIndices), [total, rank], indices.dtype),
    backend.constant(typed as TypedArray, [total], values.dtype),
    backend.constant(
      Uint8Array.from(entriesOf, (entries) => (entries.length === 0 ? 1 : 0)),
      [rows],
      'bool',
    ),
    backend.constant(reverse, [count], indices.dtype),
  ];
}
