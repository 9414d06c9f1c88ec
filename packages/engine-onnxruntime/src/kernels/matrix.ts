/**
 * Matrix products: batched, fused with bias and activation, and einsum.
 */
import { backend_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { binary, broadcast, cast } from '../onnx/elementwise.js';
import { full } from '../onnx/movement.js';
import { matMul } from '../onnx/reduction.js';
import type { GraphBuilder } from '../onnx/graph-builder.js';
import { activate } from './activations.js';
import { compute, defineKernel, sizeOf, storedType } from './define-kernel.js';
import type { KernelDefinition, Value } from './kernel.js';
import { store } from './unary.js';

interface MatMulAttributes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

interface FusedMatMulInputs {
  readonly a: TensorInfo;
  readonly b: TensorInfo;
  readonly bias?: TensorInfo;
  readonly preluActivationWeights?: TensorInfo;
}

interface FusedMatMulAttributes extends MatMulAttributes {
  readonly activation: string | null;
  readonly leakyreluAlpha?: number;
}

export const matrixKernels: readonly KernelDefinition[] = [
  defineKernel<{ a: TensorInfo; b: TensorInfo }, MatMulAttributes>('BatchMatMul', ({ a, b }, attributes, backend) => {
    const { transposeA, transposeB } = attributes;
    const output = { shape: productShape(a, b, attributes), dtype: a.dtype };
    return compute(backend, 'BatchMatMul', [a, b], { transposeA, transposeB }, output, (graph, [left, right]) =>
      product(graph, left, right, attributes, output.shape),
    );
  }),
  defineKernel<FusedMatMulInputs, FusedMatMulAttributes>('_FusedMatMul', (inputs, attributes, backend) => {
    const { a, b, bias, preluActivationWeights: slope } = inputs;
    const { transposeA, transposeB, activation, leakyreluAlpha: alpha } = attributes;
    const name = activation ?? 'linear';
    const output = { shape: productShape(a, b, attributes), dtype: a.dtype };
    const extras = [bias, slope].filter((tensor) => tensor != null);
    const key = { transposeA, transposeB, activation: name, alpha, bias: bias != null };
    return compute(backend, '_FusedMatMul', [a, b, ...extras], key, output, (graph, [left, right, ...rest]) => {
      const sum = bias == null ? undefined : rest.shift();
      const result = product(graph, left, right, attributes, output.shape);
      return activate(graph, sum === undefined ? result : binary(graph, 'Add', result, sum), { name, alpha }, rest[0]);
    });
  }),
  defineKernel<TensorInfo[], { equation: string }>('Einsum', (inputs, attributes, backend) => {
    const tensors = [...inputs];
    const equation = attributes.equation.replaceAll(/\s/g, '');
    const output = { shape: einsumShape(equation, tensors), dtype: tensors[0]?.dtype ?? 'float32' } as const;
    return compute(backend, 'Einsum', tensors, { equation }, output, (graph, values) =>
      graph.node('Einsum', values, { type: storedType(output.dtype), shape: output.shape }, { equation }),
    );
  }),
];

function productShape(a: TensorInfo, b: TensorInfo, { transposeA, transposeB }: MatMulAttributes): number[] {
  util.assert(
    a.shape.length >= 2 && b.shape.length >= 2,
    () => `Error in matMul: both operands need a rank of at least 2, not shapes [${a.shape}] and [${b.shape}].`,
  );
  const [rows, inner] = (transposeA ? a.shape.slice(-2).reverse() : a.shape.slice(-2)) as [number, number];
  const [innerB, columns] = (transposeB ? b.shape.slice(-2).reverse() : b.shape.slice(-2)) as [number, number];
  util.assert(
    inner === innerB,
    () =>
      `Error in matMul: inner shapes (${inner}) and (${innerB}) of Tensors with shapes ${a.shape} and ${b.shape} ` +
      `and transposeA=${transposeA} and transposeB=${transposeB} must match.`,
  );
  return [...broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2)), rows, columns];
}

function product(
  graph: GraphBuilder,
  a: Value,
  b: Value,
  { transposeA, transposeB }: MatMulAttributes,
  shape: readonly number[],
): Value {
  // Over an inner axis of no elements every sum is 0.
  if (sizeOf(a.shape) === 0) return full(graph, a.type, 0, shape);
  const type = a.type === 'float32' || b.type === 'float32' ? 'float32' : 'int32';
  return store(graph, matMul(graph, cast(graph, a, type), cast(graph, b, type), transposeA, transposeB), a.type);
}

function einsumShape(equation: string, tensors: readonly TensorInfo[]): number[] {
  const { allDims, summedDims, idDims } = backend_util.decodeEinsumEquation(equation, tensors.length);
  backend_util.checkEinsumDimSizes(allDims.length, idDims, tensors as never);
  const sizes = new Map<string, number>();
  idDims.forEach((dims, i) => dims.forEach((dim, axis) => sizes.set(allDims[dim] ?? '', tensors[i]?.shape[axis] ?? 1)));
  return allDims.slice(0, allDims.length - summedDims.length).map((name) => sizes.get(name) ?? 1);
}
