/**
 * Elementwise functions of one tensor.
 *
 * ONNX Runtime knows most of them for float32 only. As in tfjs the result has the input's dtype: another dtype is computed
 * in float32 and stored as JavaScript would, fractions cut.
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import {
  binary,
  cast,
  clip,
  compare,
  elementwise,
  isNaN,
  not,
  toInt32,
  where,
  withScalar,
} from '../onnx/elementwise.js';
import { float, type GraphBuilder } from '../onnx/graph-builder.js';
import { compute, defineKernel } from './define-kernel.js';
import type { KernelDefinition, OnnxType, Value } from './kernel.js';

type Formula = (graph: GraphBuilder, x: Value) => Value;

const operator =
  (name: string): Formula =>
  (graph, x) =>
    elementwise(graph, name, [x]);

/** Computed in float32. */
const real: Readonly<Record<string, Formula>> = {
  Acos: operator('Acos'),
  Acosh: operator('Acosh'),
  Asin: operator('Asin'),
  Asinh: operator('Asinh'),
  Atan: operator('Atan'),
  Atanh: operator('Atanh'),
  Cos: operator('Cos'),
  Cosh: operator('Cosh'),
  Elu: operator('Elu'),
  Erf: operator('Erf'),
  Exp: operator('Exp'),
  Log: operator('Log'),
  Reciprocal: operator('Reciprocal'),
  Sigmoid: operator('Sigmoid'),
  Sin: operator('Sin'),
  Sinh: operator('Sinh'),
  Softplus: operator('Softplus'),
  Sqrt: operator('Sqrt'),
  Tan: operator('Tan'),
  Tanh: operator('Tanh'),
  Expm1: expm1,
  Log1p: log1p,
  Rsqrt: (graph, x) => elementwise(graph, 'Reciprocal', [elementwise(graph, 'Sqrt', [x])]),
  Selu: (graph, x) => elementwise(graph, 'Selu', [x], x.type, { alpha: float(seluAlpha), gamma: float(seluScale) }),
};

/** Computed in the input's own type; booleans as integers. */
const numeric: Readonly<Record<string, Formula>> = {
  Abs: operator('Abs'),
  Neg: operator('Neg'),
  Sign: (graph, x) => {
    // Unlike ONNX's Sign, 0 for NaN.
    const is = (operator: 'Greater' | 'Less'): Value => cast(graph, compare(graph, operator, x, 0), x.type);
    return binary(graph, 'Sub', is('Greater'), is('Less'));
  },
  Square: (graph, x) => binary(graph, 'Mul', x, x),
  Relu: (graph, x) => (x.type === 'float32' ? elementwise(graph, 'Relu', [x]) : withScalar(graph, 'Max', x, 0)),
  Relu6: (graph, x) => clip(graph, x, 0, 6),
  Ceil: rounding('Ceil'),
  Floor: rounding('Floor'),
  Round: rounding('Round'),
};

const predicates: Readonly<Record<string, Formula>> = {
  IsNan: (graph, x) => isNaN(graph, x),
  IsInf: (graph, x) => elementwise(graph, 'IsInf', [x], 'bool'),
  IsFinite: (graph, x) => compare(graph, 'Less', elementwise(graph, 'Abs', [x]), Infinity),
};

export const unaryKernels: readonly KernelDefinition[] = [
  // tfjs gives Exp alone a float32 result for every dtype.
  ...table(real, (formula, name) => (graph, x) => {
    const result = formula(graph, cast(graph, x, 'float32'));
    return name === 'Exp' ? result : store(graph, result, x.type);
  }),
  ...table(numeric, (formula) => (graph, x) => {
    const number = x.type === 'bool' ? cast(graph, x, 'int32') : x;
    return store(graph, formula(graph, number), x.type);
  }),
  ...table(predicates, (formula) => (graph, x) => formula(graph, cast(graph, x, 'float32')), 'bool'),
  ...table({ LogicalNot: not }, (formula) => (graph, x) => formula(graph, cast(graph, x, 'bool')), 'bool'),
  defineKernel<{ x: TensorInfo }, { alpha: number }>('Step', ({ x }, { alpha }, backend) =>
    compute(backend, 'Step', [x], { alpha }, x, (graph, [value]) => {
      // 1 above 0, alpha elsewhere; NaN stays.
      const step = elementwise(graph, 'Ceil', [clip(graph, cast(graph, value, 'float32'), 0, 1)]);
      const scaled = withScalar(graph, 'Add', withScalar(graph, 'Mul', step, 1 - alpha), alpha);
      return store(graph, alpha === 0 ? step : scaled, value.type);
    }),
  ),
];

/** A float32 or int32 result in the type that was asked for, as JavaScript stores a number in an array of integers. */
export function store(graph: GraphBuilder, result: Value, type: OnnxType): Value {
  if (result.type === type || type === 'float32') return cast(graph, result, type);
  return cast(graph, toInt32(graph, result), type);
}

function table(
  formulas: Readonly<Record<string, Formula>>,
  emit: (formula: Formula, name: string) => Formula,
  dtype?: 'bool',
): KernelDefinition[] {
  return Object.entries(formulas).map(([name, formula]) =>
    defineKernel<{ x: TensorInfo }>(name, ({ x }, _, backend) => {
      const output = { shape: x.shape, dtype: dtype ?? (name === 'Exp' ? 'float32' : x.dtype) };
      return compute(backend, name, [x], {}, output, (graph, [value]) => emit(formula, name)(graph, value));
    }),
  );
}

/** eˣ − 1 = tanh(x/2)·(eˣ + 1): exact near 0, where eˣ − 1 cancels. */
function expm1(graph: GraphBuilder, x: Value): Value {
  const tanh = elementwise(graph, 'Tanh', [withScalar(graph, 'Mul', x, 0.5)]);
  return binary(graph, 'Mul', tanh, withScalar(graph, 'Add', elementwise(graph, 'Exp', [x]), 1));
}

/** ln(1 + x) = ln(u)·x/(u − 1) with u = 1 + x as rounded (Kahan); x where u is 1, ln(u) where it is infinite. */
function log1p(graph: GraphBuilder, x: Value): Value {
  const u = withScalar(graph, 'Add', x, 1);
  const logarithm = elementwise(graph, 'Log', [u]);
  const corrected = binary(graph, 'Mul', logarithm, binary(graph, 'Div', x, withScalar(graph, 'Sub', u, 1)));
  const finite = where(graph, compare(graph, 'Equal', u, Infinity), logarithm, corrected);
  return where(graph, compare(graph, 'Equal', u, 1), x, finite);
}

function rounding(name: string): Formula {
  return (graph, x) => (x.type === 'float32' ? elementwise(graph, name, [x]) : x);
}

// Self-normalizing neural networks, Klambauer et al. 2017.
const seluAlpha = 1.6732632423543772;
const seluScale = 1.0507009873554805;
