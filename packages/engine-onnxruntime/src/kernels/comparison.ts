/**
 * Comparisons and logic. Results are booleans; NaN is equal to nothing and neither above nor below anything.
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { backend_util } from '@tensorflow/tfjs-core';
import { binary, broadcast, cast, compare, type Comparison, not, where } from '../onnx/elementwise.js';
import type { GraphBuilder } from '../onnx/graph-builder.js';
import { reshape } from '../onnx/movement.js';
import { compute, computeAll, defineKernel, storedType } from './define-kernel.js';
import type { KernelDefinition, Value } from './kernel.js';

type Formula = (graph: GraphBuilder, a: Value, b: Value) => Value;

const comparison =
  (operator: Comparison): Formula =>
  (graph, a, b) => {
    // Booleans have no order in ONNX Runtime.
    const type = a.type === 'bool' && b.type === 'bool' ? 'int32' : a.type === 'bool' ? b.type : a.type;
    return compare(graph, operator, cast(graph, a, type), cast(graph, b, type));
  };

const logic =
  (operator: 'And' | 'Or'): Formula =>
  (graph, a, b) =>
    binary(graph, operator, cast(graph, a, 'bool'), cast(graph, b, 'bool'));

const formulas: Readonly<Record<string, Formula>> = {
  Equal: comparison('Equal'),
  NotEqual: (graph, a, b) => not(graph, comparison('Equal')(graph, a, b)),
  Greater: comparison('Greater'),
  GreaterEqual: comparison('GreaterOrEqual'),
  Less: comparison('Less'),
  LessEqual: comparison('LessOrEqual'),
  LogicalAnd: logic('And'),
  LogicalOr: logic('Or'),
};

export const comparisonKernels: readonly KernelDefinition[] = [
  ...Object.entries(formulas).map(([name, formula]) =>
    defineKernel<{ a: TensorInfo; b: TensorInfo }>(name, ({ a, b }, _, backend) => {
      const output = { shape: broadcast(a.shape, b.shape), dtype: 'bool' } as const;
      return compute(backend, name, [a, b], {}, output, (graph, [x, y]) => formula(graph, x, y));
    }),
  ),
  defineKernel<{ condition: TensorInfo; t: TensorInfo; e: TensorInfo }>('Select', ({ condition, t, e }, _, backend) => {
    const dtype = backend_util.upcastType(t.dtype, e.dtype);
    const codes = backend.storedType(t) === 'uint8' && backend.storedType(e) === 'uint8'; // stay in their byte
    const output = { shape: t.shape, dtype, ...(codes ? { type: 'uint8' as const } : {}) };
    const emit = (graph: GraphBuilder, [test, yes, no]: readonly [Value, Value, Value]): readonly Value[] => {
      // One condition per row where it has rank 1.
      const rows = test.shape.length === 1 && t.shape.length > 1;
      const mask = rows
        ? reshape(
            graph,
            test,
            t.shape.map((size, axis) => (axis === 0 ? size : 1)),
          )
        : test;
      const type = codes ? 'uint8' : storedType(dtype);
      return [where(graph, cast(graph, mask, 'bool'), cast(graph, yes, type), cast(graph, no, type))];
    };
    return computeAll(backend, 'Select', [condition, t, e], {}, [output], emit, { raw: codes })[0] as TensorInfo;
  }),
];
