/** Matrix products, einsum, and complex numbers. */
import { float, int, type KernelCase, type KernelCases, type TensorSpec, values } from './kernel-case.js';

/** Every transposition of a product of [m, k] by [k, n], with these leading axes. */
function products(
  leadingA: number[],
  leadingB: number[],
  make: (shape: number[]) => TensorSpec,
): Record<string, KernelCase> {
  const cases: Record<string, KernelCase> = {};
  for (const transposeA of [false, true]) {
    for (const transposeB of [false, true]) {
      const a = make([...leadingA, ...(transposeA ? [4, 3] : [3, 4])]);
      const b = make([...leadingB, ...(transposeB ? [5, 4] : [4, 5])]);
      const name = `${leadingA.join()} × ${leadingB.join()}${transposeA ? ', a transposed' : ''}${transposeB ? ', b transposed' : ''}`;
      cases[name] = { inputs: { a, b }, attributes: { transposeA, transposeB } };
    }
  }
  return cases;
}

const fused = (
  activation: string,
  more: Record<string, TensorSpec> = {},
  attributes: Record<string, unknown> = {},
): KernelCase => ({
  inputs: { a: float([3, 4]), b: float([4, 5]), bias: float([5]), ...more },
  attributes: { transposeA: false, transposeB: false, activation, ...attributes },
});

const complex = (shape: number[], seed: number): TensorSpec => ({
  ...float([...shape, 2], -3, 3, seed),
  shape,
  dtype: 'complex64',
});
const pair: KernelCase = { inputs: { a: complex([2, 3], 1), b: complex([2, 3], 7) } };
const einsum = (equation: string, ...inputs: TensorSpec[]): KernelCase => ({ inputs, attributes: { equation } });

export const productCases: KernelCases = {
  BatchMatMul: {
    'a transposed, into many columns': {
      inputs: { a: float([2, 4, 3]), b: float([4, 260]) },
      attributes: { transposeA: true, transposeB: false },
    },
    ...products([], [], float),
    ...products([2], [2], float),
    ...products([2, 3], [2, 3], float),
    ...products([2], [1], float),
    ...products([1], [3], float),
    ...Object.fromEntries(Object.entries(products([2], [2], int)).map(([name, value]) => [`int32, ${name}`, value])),
    'no inner elements': {
      inputs: { a: float([2, 0]), b: float([0, 3]) },
      attributes: { transposeA: false, transposeB: false },
    },
  },
  _FusedMatMul: {
    ...Object.fromEntries(['linear', 'relu', 'relu6', 'elu', 'sigmoid'].map((name) => [name, fused(name)])),
    leakyrelu: fused('leakyrelu', {}, { leakyreluAlpha: 0.3 }),
    prelu: fused('prelu', { preluActivationWeights: float([5], 0, 1) }),
    'without bias': {
      inputs: { a: float([2, 3]), b: float([4, 3]) },
      attributes: { transposeA: false, transposeB: true, activation: 'relu' },
    },
  },
  Einsum: {
    product: einsum('ij,jk->ik', float([2, 3]), float([3, 4])),
    batches: einsum('bij,bjk->bik', float([2, 2, 3]), float([2, 3, 4])),
    heads: einsum('bthd,bshd->bhts', float([2, 3, 2, 4]), float([2, 5, 2, 4])),
    outer: einsum('i,j->ij', float([2]), float([3])),
    'sum over all': einsum('ij,ij->', float([2, 3]), float([2, 3])),
    transposed: einsum('ij->ji', float([2, 3])),
    spaces: einsum('ij, jk -> ik', float([2, 3]), float([3, 4])),
  },
  Complex: { parts: { inputs: { real: float([2, 3]), imag: float([2, 3], -3, 3, 9) } } },
  Real: { part: { inputs: { input: complex([2, 3], 1) } } },
  Imag: { part: { inputs: { input: complex([2, 3], 1) } } },
  ComplexAbs: {
    length: { inputs: { x: complex([2, 3], 1) } },
    zero: { inputs: { x: { ...values('float32', 0, 0), shape: [1], dtype: 'complex64' } } },
  },
  FFT: {
    'a power of two': { inputs: { input: complex([2, 8], 1) } },
    'another length': { inputs: { input: complex([2, 6], 1) } },
    'one row': { inputs: { input: complex([1, 5], 2) } },
  },
  IFFT: {
    rows: { inputs: { input: complex([2, 8], 1) } },
    'another length': { inputs: { input: complex([1, 3], 1) } },
  },
  Add: { complex64: pair },
  Sub: { complex64: pair },
  Multiply: { complex64: pair },
  Cast: {
    'complex64 to float32': { inputs: { x: complex([3], 1) }, attributes: { dtype: 'float32' } },
    'int32 to complex64': { inputs: { x: int([3]) }, attributes: { dtype: 'complex64' } },
  },
  ZerosLike: { complex64: { inputs: { x: complex([2], 1) } } },
  OnesLike: { complex64: { inputs: { x: complex([2], 1) } } },
};
