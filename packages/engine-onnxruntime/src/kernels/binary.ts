/**
 * Elementwise arithmetic of two tensors. The result has the dtype of the first, as in tfjs, which has cast both to one dtype before.
 *
 * int32 overflows as in an Int32Array. Division by zero gives 0 there, where a processor would trap.
 */
import type { DataType, TensorInfo } from '@tensorflow/tfjs-core';
import { binary, broadcast, cast, compare, elementwise, toInt32, where, withScalar } from '../onnx/elementwise.js';
import type { GraphBuilder } from '../onnx/graph-builder.js';
import { complexArithmetic } from './complex.js';
import { compute, defineKernel, storedType } from './define-kernel.js';
import type { KernelDefinition, Value } from './kernel.js';
import { store } from './unary.js';

type Formula = (graph: GraphBuilder, a: Value, b: Value) => Value;

const operator =
  (name: 'Add' | 'Sub' | 'Mul' | 'Max' | 'Min' | 'BitwiseAnd'): Formula =>
  (graph, a, b) =>
    binary(graph, name, a, b);

/** Defined on float32 and int32 alike. */
const numeric: Readonly<Record<string, Formula>> = {
  Add: operator('Add'),
  Sub: operator('Sub'),
  Multiply: operator('Mul'),
  Maximum: operator('Max'),
  Minimum: operator('Min'),
  BitwiseAnd: operator('BitwiseAnd'),
  Pow: (graph, a, b) => binary(graph, 'Pow', a, b),
  Mod: modulo,
  FloorDiv: floorDivide,
  SquaredDifference: (graph, a, b) => {
    const difference = binary(graph, 'Sub', a, b);
    return binary(graph, 'Mul', difference, difference);
  },
};

/** Computed in float32. */
const real: Readonly<Record<string, Formula>> = {
  RealDiv: (graph, a, b) => binary(graph, 'Div', a, b),
  Atan2: atan2,
};

export const binaryKernels: readonly KernelDefinition[] = [
  ...table(numeric, (a, b) => (a.type === 'float32' || b.type === 'float32' ? 'float32' : 'int32')),
  ...table(real, () => 'float32'),
  defineKernel<TensorInfo[]>('AddN', (tensors, _, backend) => {
    const first = tensors[0] as TensorInfo;
    return compute(backend, 'AddN', tensors, {}, first, (graph, values) =>
      values.reduce((sum, value) => binary(graph, 'Add', sum, value)),
    );
  }),
];

/** Kernels of formulas; `computeType` says in which type to compute. */
function table(
  formulas: Readonly<Record<string, Formula>>,
  computeType: (a: Value, b: Value) => 'float32' | 'int32',
): KernelDefinition[] {
  return Object.entries(formulas).map(([name, formula]) =>
    defineKernel<{ a: TensorInfo; b: TensorInfo }>(name, ({ a, b }, _, backend) => {
      const dtype: DataType = name === 'FloorDiv' ? 'int32' : a.dtype;
      if (dtype === 'complex64') return complexArithmetic(backend, name, a, b);
      const output = { shape: broadcast(a.shape, b.shape), dtype };
      return compute(backend, name, [a, b], {}, output, (graph, [left, right]) => {
        const type = computeType(left, right);
        return store(graph, formula(graph, cast(graph, left, type), cast(graph, right, type)), storedType(dtype));
      });
    }),
  );
}

/** a − b·⌊a/b⌋: the result has the sign of b. NaN where b is 0, for integers 0. */
function modulo(graph: GraphBuilder, a: Value, b: Value): Value {
  if (a.type !== 'float32') {
    // By 0 the processor traps, by −1 too for the smallest integer; in both cases the result is 0, as it is by 1.
    const traps = binary(graph, 'Or', compare(graph, 'Equal', b, 0), compare(graph, 'Equal', b, -1));
    return binary(graph, 'Mod', a, where(graph, traps, graph.scalar('int32', 1), b));
  }
  const remainder = (x: Value): Value => elementwise(graph, 'Mod', [x, b], 'float32', { fmod: 1 });
  const plain = remainder(a); // has the sign of a
  const differ = binary(
    graph,
    'Or',
    binary(graph, 'And', compare(graph, 'Less', a, 0), compare(graph, 'GreaterOrEqual', b, 0)),
    binary(graph, 'And', compare(graph, 'GreaterOrEqual', a, 0), compare(graph, 'Less', b, 0)),
  );
  return where(graph, differ, remainder(binary(graph, 'Add', plain, b)), plain);
}

/** ⌊a/b⌋ as int32; 0 where b is 0. */
function floorDivide(graph: GraphBuilder, a: Value, b: Value): Value {
  if (a.type === 'float32') {
    return toInt32(graph, elementwise(graph, 'Floor', [binary(graph, 'Div', a, b)]));
  }
  const zero = compare(graph, 'Equal', b, 0);
  const dividend = cast(graph, a, 'int64'); // −2^31 / −1 has no int32
  const divisor = cast(graph, where(graph, zero, graph.scalar('int32', 1), b), 'int64');
  const exact = binary(graph, 'Sub', dividend, binary(graph, 'Mod', dividend, divisor));
  const quotient = cast(graph, binary(graph, 'Div', exact, divisor), 'int32');
  return where(graph, zero, graph.scalar('int32', 0), quotient);
}

/** The angle of the point (x, y), in (−π, π]; signed zeros and infinities as in IEEE 754. */
function atan2(graph: GraphBuilder, y: Value, x: Value): Value {
  const constant = (value: number): Value => graph.scalar('float32', value);
  const sign = (value: Value): Value => {
    // 1/−0 is −∞: the sign of a zero counts.
    const signed = where(graph, compare(graph, 'Equal', value, 0), elementwise(graph, 'Reciprocal', [value]), value);
    return where(graph, compare(graph, 'Less', signed, 0), constant(-1), constant(1));
  };
  const infinite = binary(
    graph,
    'And',
    elementwise(graph, 'IsInf', [x], 'bool'),
    elementwise(graph, 'IsInf', [y], 'bool'),
  );
  const zero = binary(graph, 'And', compare(graph, 'Equal', x, 0), compare(graph, 'Equal', y, 0));
  // The slope y/x, where that has no value: ±1 between two infinities, ±0 at the origin.
  const signX = sign(x);
  const signY = sign(y);
  const slope = where(
    graph,
    infinite,
    binary(graph, 'Mul', signX, signY),
    where(graph, zero, withScalar(graph, 'Mul', signY, 0), binary(graph, 'Div', y, x)),
  );
  const turn = where(graph, compare(graph, 'Less', signX, 0), withScalar(graph, 'Mul', signY, Math.PI), constant(0));
  return binary(graph, 'Add', elementwise(graph, 'Atan', [slope]), turn);
}
