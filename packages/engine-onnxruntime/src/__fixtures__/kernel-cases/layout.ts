/** Kernels that arrange values anew. */
import {
  any,
  bool,
  dtypes,
  eachDtype,
  float,
  int,
  type KernelCase,
  type KernelCases,
  special,
  strings,
  type TensorSpec,
  values,
} from './kernel-case.js';

const words = strings([2, 3], 'a', 'bb', 'ccc', 'ä', '', 'f');
const complex: TensorSpec = { shape: [2, 2], dtype: 'complex64', values: [1, 2, 3, 4, 5, 6, 7, 8] };

/** For every dtype and for strings. */
const everything = (shape: number[], attributes: Record<string, unknown>, name = ''): Record<string, KernelCase> =>
  Object.fromEntries(dtypes.map((dtype) => [`${name}${dtype}`, { inputs: { x: any(dtype, shape) }, attributes }]));

const strided = (attributes: Record<string, unknown>): Record<string, unknown> => ({
  beginMask: 0,
  endMask: 0,
  ellipsisMask: 0,
  newAxisMask: 0,
  shrinkAxisMask: 0,
  ...attributes,
});

export const layoutCases: KernelCases = {
  Identity: { ...everything([2, 3], {}), string: { inputs: { x: words } }, complex64: { inputs: { x: complex } } },
  Reshape: {
    ...everything([2, 6], { shape: [3, 1, 4] }),
    'a size left open': { inputs: { x: float([2, 6]) }, attributes: { shape: [4, -1] } },
    string: { inputs: { x: words }, attributes: { shape: [6] } },
    'to a scalar': { inputs: { x: int([1, 1]) }, attributes: { shape: [] } },
  },
  ExpandDims: {
    first: { inputs: { input: float([2, 3]) }, attributes: { dim: 0 } },
    'from the end': { inputs: { input: bool([2, 3]) }, attributes: { dim: -1 } },
  },
  Cast: Object.fromEntries(
    dtypes.flatMap((from) =>
      dtypes.map((to): [string, KernelCase] => [
        `${from} to ${to}`,
        {
          inputs: {
            x:
              from === 'float32'
                ? values('float32', ...special, 3e9, -3e9, 1e20, 2147483648, 4294967298e3)
                : any(from, [9]),
          },
          attributes: { dtype: to },
        },
      ]),
    ),
  ),
  Transpose: {
    ...everything([2, 3, 4], { perm: [2, 0, 1] }),
    'axes of size 1': { inputs: { x: float([1, 3, 1, 4]) }, attributes: { perm: [2, 1, 3, 0] } },
    'rank 6': { inputs: { x: float([2, 1, 3, 2, 1, 2]) }, attributes: { perm: [5, 3, 1, 0, 4, 2] } },
    string: { inputs: { x: words }, attributes: { perm: [1, 0] } },
  },
  Reverse: {
    ...everything([3, 4], { dims: [1] }),
    'several axes': { inputs: { x: float([2, 3, 4]) }, attributes: { dims: [0, 2] } },
    'no axis': { inputs: { x: float([3]) }, attributes: { dims: [] } },
  },
  Slice: {
    ...everything([4, 5], { begin: [1, 2], size: [2, 3] }),
    'to the end': { inputs: { x: float([4, 5]) }, attributes: { begin: [0, 1], size: [-1, 2] } },
    empty: { inputs: { x: float([4, 5]) }, attributes: { begin: [2, 0], size: [0, 5] } },
    string: { inputs: { x: words }, attributes: { begin: [1, 0], size: [1, 2] } },
  },
  StridedSlice: {
    steps: { inputs: { x: float([5, 6]) }, attributes: strided({ begin: [0, 1], end: [5, 6], strides: [2, 3] }) },
    backwards: {
      inputs: { x: float([5, 6]) },
      attributes: strided({ begin: [4, 5], end: [0, 0], strides: [-2, -1], endMask: 2 }),
    },
    'an axis dropped, one added': {
      inputs: { x: int([3, 4]) },
      attributes: strided({ begin: [1, 0, 0], end: [2, 1, 4], strides: [1, 1, 1], shrinkAxisMask: 1, newAxisMask: 2 }),
    },
    'the first axis dropped': {
      inputs: { x: float([2, 2]) },
      attributes: strided({ begin: [0, 0], end: [1, 2], strides: [1, 1], shrinkAxisMask: 1 }),
    },
    'the last axis dropped': {
      inputs: { x: float([2, 2]) },
      attributes: strided({ begin: [0, 0], end: [2, 1], strides: [1, 1], shrinkAxisMask: 2 }),
    },
    'an ellipsis': {
      inputs: { x: bool([2, 3, 4]) },
      attributes: strided({ begin: [0, 0, 1], end: [1, 0, 3], strides: [1, 1, 1], ellipsisMask: 2 }),
    },
    whole: { inputs: { x: float([2, 2]) }, attributes: strided({ begin: [0, 0], end: [2, 2], strides: [1, 1] }) },
  },
  PadV2: {
    ...eachDtype((dtype) => ({
      inputs: { x: any(dtype, [2, 3]) },
      attributes: {
        paddings: [
          [1, 0],
          [2, 1],
        ],
        constantValue: 1,
      },
    })),
    nothing: { inputs: { x: float([2]) }, attributes: { paddings: [[0, 0]], constantValue: 0 } },
    'around nothing': {
      inputs: { x: float([0, 2]) },
      attributes: {
        paddings: [
          [1, 1],
          [0, 1],
        ],
        constantValue: 4,
      },
    },
  },
  MirrorPad: {
    ...Object.fromEntries(
      ['reflect', 'symmetric'].flatMap((mode) =>
        dtypes.map((dtype) => [
          `${mode}, ${dtype}`,
          {
            inputs: { x: any(dtype, [3, 4]) },
            attributes: {
              mode,
              paddings: [
                [2, 1],
                [0, 3],
              ],
            },
          },
        ]),
      ),
    ),
  },
  Tile: {
    ...everything([2, 3], { reps: [2, 3] }),
    'axes of size 1': { inputs: { x: float([1, 3, 1]) }, attributes: { reps: [4, 1, 2] } },
    string: { inputs: { x: words }, attributes: { reps: [1, 2] } },
  },
  Concat: {
    ...eachDtype((dtype) => ({
      inputs: [any(dtype, [2, 3]), any(dtype, [2, 1], 4), any(dtype, [2, 2], 9)],
      attributes: { axis: 1 },
    })),
    'empty ones left out': {
      inputs: [float([0, 2]), float([3, 2]), float([0, 2]), float([1, 2])],
      attributes: { axis: 0 },
    },
    string: { inputs: [words, words], attributes: { axis: 0 } },
    complex64: { inputs: [complex, complex], attributes: { axis: 1 } },
  },
  Pack: {
    ...eachDtype((dtype) => ({ inputs: [any(dtype, [2, 3]), any(dtype, [2, 3], 4)], attributes: { axis: 1 } })),
    last: { inputs: [float([2]), float([2], 5, 6)], attributes: { axis: 1 } },
    one: { inputs: [float([2])], attributes: { axis: 0 } },
  },
  Unpack: {
    ...eachDtype((dtype) => ({ inputs: { value: any(dtype, [2, 3, 2]) }, attributes: { axis: 1 } })),
    string: { inputs: { value: words }, attributes: { axis: 0 } },
  },
  SplitV: {
    ...everything([2, 6], { numOrSizeSplits: [1, 3, 2], axis: 1 }),
    even: { inputs: { x: float([6, 2]) }, attributes: { numOrSizeSplits: 3, axis: 0 } },
    'a size left open': { inputs: { x: int([6]) }, attributes: { numOrSizeSplits: [1, -1], axis: 0 } },
  },
};
