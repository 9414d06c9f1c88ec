/** Reductions, positions of extremes, rankings, running sums, softmax, search. */
import { any, bool, dtypes, float, int, type KernelCase, type KernelCases, numbers, values } from './kernel-case.js';

const shape = [2, 3, 1, 4, 2];
const axesToReduce: readonly number[][] = [[0], [2], [4], [0, 1], [1, 3], [0, 2, 4], [0, 1, 2, 3, 4]];

function reduction(parameter: 'axis' | 'reductionIndices', types = dtypes): Record<string, KernelCase> {
  const cases: Record<string, KernelCase> = {};
  for (const dtype of types) {
    const x = dtype === 'int32' ? int(shape, 1, 3) : any(dtype, shape);
    for (const axes of axesToReduce) {
      for (const keepDims of [false, true]) {
        cases[`${dtype}, axes ${axes.join()}${keepDims ? ', kept' : ''}`] = {
          inputs: { x },
          attributes: { [parameter]: axes, keepDims },
        };
      }
    }
    cases[`${dtype}, scalar`] = { inputs: { x: any(dtype, []) }, attributes: { [parameter]: [], keepDims: false } };
  }
  return cases;
}

const gaps = [3, NaN, -1, Infinity, NaN, 2, -Infinity, 5, 0, -4, NaN, NaN];
const withNaN = (parameter: string): Record<string, KernelCase> => ({
  'NaN in some rows': {
    inputs: { x: { shape: [4, 3], dtype: 'float32', values: gaps } },
    attributes: { [parameter]: [1], keepDims: false },
  },
  'NaN in some columns': {
    inputs: { x: { shape: [4, 3], dtype: 'float32', values: gaps } },
    attributes: { [parameter]: [0], keepDims: false },
  },
  // Large enough for the way by the sum; the infinities meet without a NaN in the second half.
  'NaN among many': {
    inputs: {
      x: {
        shape: [2, 3000],
        dtype: 'float32',
        values: numbers([6000], -5, 5).map((x, i) => ({ 1234: NaN, 4000: Infinity, 5000: -Infinity })[i] ?? x),
      },
    },
    attributes: { [parameter]: [1], keepDims: false },
  },
  'both infinities among many': {
    inputs: {
      x: {
        shape: [5000],
        dtype: 'float32',
        values: numbers([5000], -5, 5).map((x, i) => ({ 9: Infinity, 4000: -Infinity })[i] ?? x),
      },
    },
    attributes: { [parameter]: [0], keepDims: false },
  },
});

const positions = (): Record<string, KernelCase> => ({
  ...Object.fromEntries(
    [0, 1, 2].map((axis) => [`axis ${axis}`, { inputs: { x: float([3, 4, 5]) }, attributes: { axis } }]),
  ),
  'ties: the first': { inputs: { x: values('int32', 3, 7, 7, -2, -2, 3) }, attributes: { axis: 0 } },
  bool: { inputs: { x: bool([2, 5]) }, attributes: { axis: 1 } },
  'NaN is passed over': { inputs: { x: values('float32', 1, NaN, 3, NaN, -2) }, attributes: { axis: 0 } },
});

function scan(): Record<string, KernelCase> {
  const cases: Record<string, KernelCase> = {};
  for (const exclusive of [false, true]) {
    for (const reverse of [false, true]) {
      const attributes = { exclusive, reverse };
      const name = `${exclusive ? 'exclusive' : 'inclusive'}${reverse ? ', from the end' : ''}`;
      cases[`float32, ${name}`] = { inputs: { x: float([2, 3, 7], 0.5, 1.5) }, attributes: { axis: 2, ...attributes } };
      cases[`int32, ${name}`] = { inputs: { x: int([2, 5], -3, 4) }, attributes: { axis: 1, ...attributes } };
    }
  }
  return {
    ...cases,
    'one element': { inputs: { x: float([3, 1]) }, attributes: { axis: 1, exclusive: false, reverse: false } },
  };
}

const sorted = { shape: [2, 5], dtype: 'float32', values: [1, 2, 2, 5, 9, -3, -1, 0, 0, 4] } as const;
const wanted = { shape: [2, 6], dtype: 'float32', values: [0, 1, 2, 3, 9, 10, -4, -3, 0, 0.5, 4, 5] } as const;

export const reductionCases: KernelCases = {
  Sum: reduction('axis'),
  Prod: reduction('axis', ['float32', 'int32']),
  Mean: reduction('axis'),
  Max: { ...reduction('reductionIndices'), ...withNaN('reductionIndices') },
  Min: { ...reduction('axis'), ...withNaN('axis') },
  Any: reduction('axis', ['bool']),
  All: reduction('axis', ['bool']),
  ArgMax: positions(),
  ArgMin: positions(),
  Cumsum: scan(),
  Cumprod: scan(),
  Softmax: {
    rows: { inputs: { logits: float([3, 5], -4, 4) }, attributes: { dim: 1 } },
    'large logits': { inputs: { logits: values('float32', 1000, 1001, -1000, 999.5) }, attributes: { dim: 0 } },
  },
  TopK: {
    float32: { inputs: { x: float([3, 7]) }, attributes: { k: 3, sorted: true } },
    'int32 with ties': { inputs: { x: values('int32', 4, 9, 4, 9, 1, 4) }, attributes: { k: 4, sorted: true } },
    all: { inputs: { x: float([2, 4]) }, attributes: { k: 4, sorted: true } },
  },
  SearchSorted: {
    left: { inputs: { sortedSequence: sorted, values: wanted }, attributes: { side: 'left' } },
    right: { inputs: { sortedSequence: sorted, values: wanted }, attributes: { side: 'right' } },
    int32: {
      inputs: {
        sortedSequence: { shape: [1, 4], dtype: 'int32', values: [1, 3, 3, 8] },
        values: { shape: [1, 3], dtype: 'int32', values: [3, 0, 9] },
      },
      attributes: { side: 'left' },
    },
  },
};
