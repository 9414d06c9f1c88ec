/** Normalization, resizing, and kernels that read pixels at computed places. */
import { float, int, type KernelCase, type KernelCases, type TensorSpec, values } from './kernel-case.js';

export const imageCases: KernelCases = {
  FusedBatchNorm: {
    all: {
      inputs: {
        x: float([2, 3, 3, 4]),
        mean: float([4]),
        variance: float([4], 0.5, 2),
        scale: float([4]),
        offset: float([4], 1, 2),
      },
      attributes: { varianceEpsilon: 0.01 },
    },
    'mean and variance': {
      inputs: { x: float([3, 4]), mean: float([4]), variance: float([4], 0.5, 2) },
      attributes: {},
    },
  },
  LRN: {
    wide: { inputs: { x: float([1, 2, 2, 7]) }, attributes: { depthRadius: 2, bias: 1.5, alpha: 0.3, beta: 0.6 } },
  },
  LRNGrad: {
    wide: {
      inputs: { x: float([1, 2, 2, 7]), y: float([1, 2, 2, 7], -1, 1, 4), dy: float([1, 2, 2, 7], -3, 3, 9) },
      attributes: { depthRadius: 2, bias: 1.5, alpha: 0.3, beta: 0.6 },
    },
  },
  ...Object.fromEntries(
    ['ResizeBilinear', 'ResizeNearestNeighbor'].flatMap((name) => [
      [name, resizing((size, flags) => ({ inputs: { images: float([2, 4, 5, 2]) }, attributes: { size, ...flags } }))],
      [
        `${name}Grad`,
        resizing((size, { alignCorners }) => ({
          // One square image: in tfjs the gradients mix up strides of more, and height with width.
          inputs: { images: float([1, 5, 5, 2]), dy: float([1, ...size, 2]) },
          attributes: { alignCorners },
        })),
      ],
    ]),
  ),
  CropAndResize: Object.fromEntries(
    ['bilinear', 'nearest'].map((method) => [
      method,
      {
        inputs: {
          image: float([2, 5, 6, 2]),
          boxes: {
            shape: [4, 4],
            dtype: 'float32',
            values: [0, 0, 1, 1, 0.23, 0.13, 0.71, 0.94, 0.5, 0.5, 1.5, 1.2, 1, 1, 0, 0],
          },
          boxInd: values('int32', 0, 1, 0, 1),
        } as Record<string, TensorSpec>,
        attributes: { cropSize: [3, 4], method, extrapolationValue: 7 },
      },
    ]),
  ),
  RotateWithOffset: {
    'one colour': {
      inputs: { image: float([2, 4, 5, 3], 0, 255) },
      attributes: { radians: 0.4, fillValue: 9, center: 0.5 },
    },
    'a colour each': {
      inputs: { image: int([1, 4, 4, 4], 0, 255) },
      attributes: { radians: -1, fillValue: [1, 2, 3], center: [0.2, 0.7] },
    },
  },
  FlipLeftRight: { image: { inputs: { image: float([2, 3, 4, 3]) } } },
  Transform: Object.fromEntries(
    ['nearest', 'bilinear'].flatMap((interpolation) =>
      ['constant', 'reflect', 'wrap', 'nearest'].map((fillMode) => [
        `${interpolation}, ${fillMode}`,
        {
          inputs: {
            image: float([1, 5, 6, 2]),
            transforms: { shape: [1, 8], dtype: 'float32', values: [0.83, 0.31, -1.7, -0.27, 1.13, 1.3, 0.01, -0.02] },
          } as Record<string, TensorSpec>,
          attributes: { interpolation, fillMode, fillValue: 3, outputShape: [6, 7] },
          tolerance: 1e-4,
        },
      ]),
    ),
  ),
};

function resizing(
  build: (size: [number, number], flags: { alignCorners: boolean; halfPixelCenters: boolean }) => KernelCase,
): Record<string, KernelCase> {
  const cases: Record<string, KernelCase> = {};
  for (const size of [
    [8, 7],
    [2, 3],
    [1, 1],
  ] as [number, number][]) {
    for (const [alignCorners, halfPixelCenters] of [
      [false, false],
      [true, false],
      [false, true],
    ] as [boolean, boolean][]) {
      const name = `to ${size.join(' × ')}${alignCorners ? ', corners aligned' : ''}${halfPixelCenters ? ', half pixels' : ''}`;
      cases[name] = build(size, { alignCorners, halfPixelCenters });
    }
  }
  return cases;
}
