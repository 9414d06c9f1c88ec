/** Elementwise kernels of one, two and three tensors, comparisons, activations. */
import {
  any,
  bool,
  eachDtype,
  float,
  int,
  type KernelCase,
  type KernelCases,
  special,
  dtypes as allDtypes,
  type Dtype,
  strings,
  values,
} from './kernel-case.js';

/** At the special floats, on an ordinary range of each dtype, on a scalar and on nothing. */
function unary(low: number, high: number, { whole = true } = {}): Record<string, KernelCase> {
  return {
    'special floats': { inputs: { x: values('float32', ...special) } },
    float32: { inputs: { x: float([2, 3, 4, 5], low, high) } },
    ...(whole ? { int32: { inputs: { x: int([4, 5], Math.ceil(low), Math.max(1, Math.floor(high))) } } } : {}),
    ...(whole ? { bool: { inputs: { x: bool([2, 3]) } } } : {}),
    scalar: { inputs: { x: { shape: [], dtype: 'float32', values: [(low + high) / 2] } } },
    empty: { inputs: { x: float([0, 3]) } },
  };
}

const broadcasts: readonly [string, number[], number[]][] = [
  ['same shape', [2, 3], [2, 3]],
  ['scalars', [], []],
  ['scalar left', [], [2, 3]],
  ['scalar right', [2, 3], []],
  ['row', [2, 3], [3]],
  ['column', [2, 1], [2, 3]],
  ['outer', [4, 1], [1, 5]],
  ['rank 6', [1, 2, 1, 3, 1, 2], [2, 1, 2, 1, 3, 1]],
  ['empty', [0, 3], [1, 3]],
];

interface BinaryOptions {
  readonly low?: number;
  readonly high?: number;
  readonly dtypes?: readonly Dtype[];
}

function binary({ low = -9, high = 9, dtypes = allDtypes }: BinaryOptions = {}): Record<string, KernelCase> {
  const cases: Record<string, KernelCase> = {};
  for (const dtype of dtypes) {
    for (const [name, a, b] of broadcasts) {
      const make = (shape: number[], seed: number) =>
        dtype === 'bool' ? bool(shape, seed) : (dtype === 'int32' ? int : float)(shape, low, high, seed);
      cases[`${dtype}, ${name}`] = { inputs: { a: make(a, 1), b: make(b, 5) } };
    }
  }
  return cases;
}

const pairs = special.flatMap((a) => special.map((b) => [a, b] as const));
const specialPairs: KernelCase = {
  inputs: { a: values('float32', ...pairs.map(([a]) => a)), b: values('float32', ...pairs.map(([, b]) => b)) },
};
const numberTypes: BinaryOptions = { dtypes: ['float32', 'int32'] };
const comparison = (): Record<string, KernelCase> => ({
  ...binary({ low: -2, high: 2 }),
  'special floats': specialPairs,
  strings: { inputs: { a: strings([2, 2], 'b', 'ab', 'ä', ''), b: strings([2], 'b', 'aa') } },
});
// Products stay below 2^53, where tfjs's arithmetic, in doubles, is exact.
const limits = [2147483647, -2147483648, 65536, -65537, 46341, 1];
const factors = [1, -1, 2, 65536, -70001];

export const elementwiseCases: KernelCases = {
  ...Object.fromEntries(
    ['Abs', 'Neg', 'Square', 'Sign', 'Ceil', 'Floor', 'Round', 'Relu', 'Relu6'].map((name) => [name, unary(-8, 8)]),
  ),
  ...Object.fromEntries(
    ['Sin', 'Cos', 'Atan', 'Asinh', 'Tanh', 'Sigmoid', 'Elu', 'Selu', 'Softplus'].map((name) => [name, unary(-5, 5)]),
  ),
  ...Object.fromEntries(['Exp', 'Expm1', 'Sinh', 'Cosh', 'Erf', 'Tan'].map((name) => [name, unary(-1, 1)])),
  ...Object.fromEntries(['Log', 'Log1p', 'Sqrt', 'Rsqrt', 'Reciprocal', 'Acosh'].map((name) => [name, unary(1, 9)])),
  ...Object.fromEntries(['Asin', 'Acos', 'Atanh'].map((name) => [name, unary(-0.9, 0.9)])),
  ...Object.fromEntries(['IsNan', 'IsInf', 'IsFinite'].map((name) => [name, unary(-1, 1)])),
  LogicalNot: { bool: { inputs: { x: bool([2, 3]) } }, scalar: { inputs: { x: bool([]) } } },
  Step: {
    'special floats': { inputs: { x: values('float32', ...special) }, attributes: { alpha: 0 } },
    'with a slope': { inputs: { x: values('float32', ...special) }, attributes: { alpha: -0.25 } },
  },
  LeakyRelu: {
    float32: { inputs: { x: values('float32', ...special) }, attributes: { alpha: 0.3 } },
    int32: { inputs: { x: int([7]) }, attributes: { alpha: 0.3 } },
  },
  Prelu: {
    'per channel': { inputs: { x: float([2, 3, 4]), alpha: float([4], -1, 1) } },
    'special floats': { inputs: { x: values('float32', ...special), alpha: values('float32', 0.25) } },
  },
  EluGrad: { float32: { inputs: { dy: float([19]), y: values('float32', ...special.map((x) => Math.max(-1, x))) } } },
  ClipByValue: {
    ...eachDtype((dtype) => ({ inputs: { x: any(dtype, [3, 4]) }, attributes: { clipValueMin: 0, clipValueMax: 1 } })),
    'special floats': {
      inputs: { x: values('float32', ...special) },
      attributes: { clipValueMin: -2, clipValueMax: 3 },
    },
  },

  ...Object.fromEntries(
    ['Add', 'Sub', 'Multiply', 'SquaredDifference', 'Maximum', 'Minimum'].map((name) => [
      name,
      {
        ...binary(numberTypes),
        'special floats': specialPairs,
        ...(name === 'SquaredDifference'
          ? {}
          : {
              'int32 at its limits': {
                inputs: {
                  a: values('int32', ...limits.flatMap((a) => factors.map(() => a))),
                  b: values('int32', ...limits.flatMap(() => factors)),
                },
              },
            }),
        // Where tfjs stays within what a boolean can hold.
        bool: {
          inputs: {
            a: values('bool', 1, 1, 0, 0),
            b: values('bool', 0, name === 'Add' ? 0 : 1, 0, name === 'Sub' ? 0 : 1),
          },
        },
      },
    ]),
  ),
  RealDiv: { ...binary(numberTypes), 'special floats': specialPairs },
  FloorDiv: {
    ...binary(numberTypes),
    'int32 by zero and at its limits': {
      inputs: {
        a: values('int32', 7, -7, 0, -2147483648, -2147483648, 7, -7),
        b: values('int32', 0, 0, 0, -1, 1, -2, 2),
      },
    },
    'halves, infinities and NaN': {
      inputs: {
        a: values('float32', 7, -7, 7.5, -7.5, Infinity, NaN, 1, -1),
        b: values('float32', 2, 2, -2, -2, 2, 1, 0, Infinity),
      },
    },
  },
  Mod: {
    ...binary(numberTypes),
    'int32 by zero and at its limits': {
      inputs: {
        a: values('int32', 7, -7, 0, -2147483648, -2147483648, 7, -7),
        b: values('int32', 0, 0, 0, -1, 3, -4, 4),
      },
    },
  },
  Pow: {
    ...binary({ low: 0, high: 4, ...numberTypes }),
    'negative base': { inputs: { a: values('float32', -2, -2, -2, -0.5), b: values('float32', 2, 3, 0.5, -3) } },
  },
  Atan2: { ...binary({ dtypes: ['float32'] }), 'special floats': specialPairs },
  BitwiseAnd: binary({ dtypes: ['int32'] }),
  ...Object.fromEntries(
    ['Equal', 'NotEqual', 'Greater', 'GreaterEqual', 'Less', 'LessEqual'].map((name) => [name, comparison()]),
  ),
  ...Object.fromEntries(['LogicalAnd', 'LogicalOr'].map((name) => [name, binary({ dtypes: ['bool'] })])),
  AddN: {
    three: { inputs: [float([2, 3]), float([2, 3], -3, 3, 4), float([2, 3], -3, 3, 9)] },
    'one, int32': { inputs: [int([3])] },
  },
  Select: {
    ...eachDtype((dtype) => ({ inputs: { condition: bool([2, 3]), t: any(dtype, [2, 3]), e: any(dtype, [2, 3], 7) } })),
    'NaN where not chosen': {
      inputs: {
        condition: values('bool', 1, 0, 1),
        t: values('float32', 1, NaN, NaN),
        e: values('float32', NaN, 2, 3),
      },
    },
    'types mixed': {
      inputs: { condition: values('bool', 1, 0), t: values('int32', 1, 2), e: values('float32', 0.5, 1.5) },
    },
  },
};
