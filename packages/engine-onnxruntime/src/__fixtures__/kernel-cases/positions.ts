/** Gather and scatter, segments, one-hot rows, counts, sparse tensors, and kernels that read their inputs. */
import {
  any,
  bool,
  dtypes,
  eachDtype,
  float,
  int,
  type KernelCase,
  type KernelCases,
  strings,
  type TensorSpec,
  values,
} from './kernel-case.js';

const indices = (shape: number[], ...list: number[]): TensorSpec => ({ shape, dtype: 'int32', values: list });

const boxes: TensorSpec = {
  shape: [6, 4],
  dtype: 'float32',
  values: [0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, -0.1, 1, 0.9, 0, 10, 1, 11, 0, 10.1, 1, 11.1, 0, 100, 1, 101],
};
const scores = values('float32', 0.9, 0.75, 0.6, 0.95, 0.5, 0.3);
const suppression = { maxOutputSize: 4, iouThreshold: 0.5, scoreThreshold: 0.2 };

const segments = (dtype: 'float32' | 'int32'): KernelCase => ({
  inputs: { data: any(dtype, [5, 3]), indices: indices([4], 4, 0, 0, 2), segmentIds: indices([4], 0, 0, 2, 2) },
});

export const positionCases: KernelCases = {
  GatherV2: {
    ...eachDtype((dtype) => ({
      inputs: { x: any(dtype, [4, 3]), indices: indices([2, 2], 3, 0, 1, 3) },
      attributes: { axis: 0, batchDims: 0 },
    })),
    'a middle axis': {
      inputs: { x: float([2, 4, 3]), indices: indices([3], 1, 1, 0) },
      attributes: { axis: 1, batchDims: 0 },
    },
    'per batch': {
      inputs: { x: float([2, 3, 4]), indices: indices([2, 2], 1, 0, 2, 2) },
      attributes: { axis: 1, batchDims: 1 },
    },
    'per batch, a later axis': {
      inputs: { x: float([2, 3, 4, 2]), indices: indices([2, 2], 1, 3, 0, 2) },
      attributes: { axis: 2, batchDims: 1 },
    },
    string: {
      inputs: { x: strings([3], 'a', 'b', 'c'), indices: indices([2], 2, 0) },
      attributes: { axis: 0, batchDims: 0 },
    },
  },
  GatherNd: {
    ...eachDtype((dtype) => ({ inputs: { params: any(dtype, [3, 4, 2]), indices: indices([2, 2], 2, 1, 0, 3) } })),
    elements: { inputs: { params: float([2, 3]), indices: indices([3, 2], 0, 0, 1, 2, 0, 1) } },
  },
  ScatterNd: {
    ...Object.fromEntries(
      (['float32', 'int32'] as const).map((dtype) => [
        dtype,
        { inputs: { indices: indices([3, 1], 1, 3, 1), updates: any(dtype, [3, 2]) }, attributes: { shape: [5, 2] } },
      ]),
    ),
    elements: { inputs: { indices: indices([2, 2], 0, 1, 1, 0), updates: float([2]) }, attributes: { shape: [2, 2] } },
  },
  TensorScatterUpdate: {
    ...Object.fromEntries(
      dtypes.map((dtype) => [
        dtype,
        { inputs: { tensor: any(dtype, [4, 2]), indices: indices([2, 1], 3, 0), updates: any(dtype, [2, 2], 11) } },
      ]),
    ),
  },
  SparseToDense: {
    float32: {
      inputs: {
        sparseIndices: indices([3, 2], 0, 1, 1, 0, 2, 2),
        sparseValues: float([3]),
        defaultValue: { shape: [], dtype: 'float32', values: [-1] },
      },
      attributes: { outputShape: [3, 3] },
    },
    'one value for all': {
      inputs: {
        sparseIndices: indices([2, 1], 0, 3),
        sparseValues: { shape: [], dtype: 'int32', values: [5] },
        defaultValue: { shape: [], dtype: 'int32', values: [0] },
      },
      attributes: { outputShape: [4] },
    },
    string: {
      inputs: { sparseIndices: indices([1, 1], 1), sparseValues: strings([1], 'x'), defaultValue: strings([], '-') },
      attributes: { outputShape: [3] },
    },
  },
  UnsortedSegmentSum: {
    rows: { inputs: { x: float([5, 3]), segmentIds: indices([5], 2, 0, 2, 3, 0) }, attributes: { numSegments: 4 } },
    'rows of no segment': {
      inputs: { x: float([4, 2]), segmentIds: indices([4], -1, 1, 7, 1) },
      attributes: { numSegments: 3 },
    },
    vector: { inputs: { x: float([6]), segmentIds: indices([6], 1, 1, 0, 2, 0, 1) }, attributes: { numSegments: 3 } },
  },
  OneHot: {
    float32: {
      inputs: { indices: indices([2, 3], 0, 2, -1, 4, 1, 3) },
      attributes: { depth: 4, onValue: 2, offValue: -1, dtype: 'float32' },
    },
    int32: {
      inputs: { indices: indices([3], 1, 0, 9) },
      attributes: { depth: 2, onValue: 1, offValue: 0, dtype: 'int32' },
    },
    bool: {
      inputs: { indices: indices([3], 1, 0, 2) },
      attributes: { depth: 3, onValue: 1, offValue: 0, dtype: 'bool' },
    },
    scalar: {
      inputs: { indices: indices([], 1) },
      attributes: { depth: 3, onValue: 1, offValue: 0, dtype: 'float32' },
    },
  },
  Bincount: {
    weighted: { inputs: { x: int([7], 0, 6), weights: float([7]) }, attributes: { size: 4 } },
    counted: {
      inputs: { x: int([9], 0, 5), weights: { shape: [0], dtype: 'float32', values: [] } },
      attributes: { size: 5 },
    },
  },
  DenseBincount: {
    rows: { inputs: { x: int([2, 6], 0, 5), weights: float([2, 6]) }, attributes: { size: 4, binaryOutput: false } },
    'whether at all': {
      inputs: { x: int([2, 6], 0, 5), weights: float([2, 6]) },
      attributes: { size: 4, binaryOutput: true },
    },
    vector: { inputs: { x: int([6], 0, 5), weights: int([6]) }, attributes: { size: 5, binaryOutput: false } },
  },
  SparseSegmentSum: { float32: segments('float32'), int32: segments('int32') },
  SparseSegmentMean: { float32: segments('float32') },
  SparseReshape: {
    'a size left open': {
      inputs: {
        inputIndices: indices([3, 2], 0, 1, 1, 3, 1, 0),
        inputShape: indices([2], 2, 6),
        newShape: indices([3], 3, -1, 2),
      },
    },
  },
  SparseFillEmptyRows: {
    'rows missing': {
      inputs: {
        indices: indices([3, 2], 0, 1, 2, 0, 2, 3),
        values: values('float32', 5, 6, 7),
        denseShape: indices([2], 5, 4),
        defaultValue: { shape: [], dtype: 'float32', values: [-1] },
      },
    },
  },
  NonMaxSuppressionV3: { threshold: { inputs: { boxes, scores }, attributes: suppression } },
  NonMaxSuppressionV4: {
    padded: { inputs: { boxes, scores }, attributes: { ...suppression, padToMaxOutputSize: true } },
    'not padded': { inputs: { boxes, scores }, attributes: { ...suppression, padToMaxOutputSize: false } },
  },
  NonMaxSuppressionV5: { soft: { inputs: { boxes, scores }, attributes: { ...suppression, softNmsSigma: 0.5 } } },
  BroadcastArgs: { shapes: { inputs: { s0: indices([3], 4, 1, 3), s1: indices([2], 5, 3) } } },
  Unique: {
    vector: { inputs: { x: values('int32', 4, 2, 4, 4, 7, 2) }, attributes: { axis: 0 } },
    rows: { inputs: { x: { shape: [3, 2], dtype: 'float32', values: [1, 2, 1, 2, 0, 2] } }, attributes: { axis: 0 } },
    columns: { inputs: { x: bool([2, 6]) }, attributes: { axis: 1 } },
    string: { inputs: { x: strings([4], 'b', 'a', 'b', 'c') }, attributes: { axis: 0 } },
  },
  StringSplit: {
    'by spaces': {
      inputs: { input: strings([3], 'a  b', '', 'ä c d '), delimiter: strings([], ' ') },
      attributes: { skipEmpty: true },
    },
    'empty tokens kept': {
      inputs: { input: strings([2], 'a,,b;c', ','), delimiter: strings([], ',;') },
      attributes: { skipEmpty: false },
    },
  },
  StringToHashBucketFast: {
    buckets: { inputs: { input: strings([3], 'a', 'hello', 'ä') }, attributes: { numBuckets: 97 } },
  },
  StaticRegexReplace: {
    all: { inputs: { x: strings([2], 'aXbX', 'c') }, attributes: { pattern: 'X', rewrite: '-', replaceGlobal: true } },
    first: {
      inputs: { x: strings([2], 'aXbX', 'c') },
      attributes: { pattern: 'X', rewrite: '-', replaceGlobal: false },
    },
  },
};
