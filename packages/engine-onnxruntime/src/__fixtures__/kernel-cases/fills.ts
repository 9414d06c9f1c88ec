/** Kernels that make values from numbers, and that cut tensors into blocks. */
import { any, dtypes, eachDtype, float, type KernelCase, type KernelCases, values } from './kernel-case.js';

/** For every dtype. */
const everything = (shape: number[], attributes: Record<string, unknown>): Record<string, KernelCase> =>
  Object.fromEntries(dtypes.map((dtype) => [dtype, { inputs: { x: any(dtype, shape) }, attributes }]));

export const fillCases: KernelCases = {
  Fill: {
    float32: { inputs: {}, attributes: { shape: [2, 3], value: 2.5, dtype: 'float32' } },
    int32: { inputs: {}, attributes: { shape: [3], value: -7, dtype: 'int32' } },
    bool: { inputs: {}, attributes: { shape: [2], value: 1, dtype: 'bool' } },
    zeros: { inputs: {}, attributes: { shape: [2, 2], value: 0, dtype: 'float32' } },
    scalar: { inputs: {}, attributes: { shape: [], value: 3, dtype: 'float32' } },
    string: { inputs: {}, attributes: { shape: [2], value: 'ä', dtype: 'string' } },
    empty: { inputs: {}, attributes: { shape: [0, 2], value: 1, dtype: 'float32' } },
  },
  ZerosLike: everything([2, 3], {}),
  OnesLike: everything([2, 3], {}),
  Range: {
    float32: { inputs: {}, attributes: { start: 0.5, stop: 3, step: 0.5, dtype: 'float32' } },
    int32: { inputs: {}, attributes: { start: 2, stop: 9, step: 3, dtype: 'int32' } },
    down: { inputs: {}, attributes: { start: 3, stop: -2, step: 1, dtype: 'int32' } },
    empty: { inputs: {}, attributes: { start: 3, stop: 3, step: 1, dtype: 'int32' } },
  },
  LinSpace: { float32: { inputs: {}, attributes: { start: -1, stop: 2, num: 7 } } },
  SpaceToBatchND: {
    ...eachDtype((dtype) => ({
      inputs: { x: any(dtype, [2, 4, 3, 2]) },
      attributes: {
        blockShape: [2, 2],
        paddings: [
          [0, 0],
          [1, 0],
        ],
      },
    })),
  },
  BatchToSpaceND: {
    ...eachDtype((dtype) => ({
      inputs: { x: any(dtype, [4, 2, 3, 2]) },
      attributes: {
        blockShape: [2, 2],
        crops: [
          [0, 1],
          [1, 0],
        ],
      },
    })),
  },
  DepthToSpace: { float32: { inputs: { x: float([2, 2, 3, 8]) }, attributes: { blockSize: 2, dataFormat: 'NHWC' } } },
  Diag: {
    ...everything([3], {}),
    matrix: { inputs: { x: float([2, 2]) } },
    NaN: { inputs: { x: values('float32', NaN, 1) } },
  },
};
