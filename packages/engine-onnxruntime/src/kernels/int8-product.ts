/**
 * LoranInt8Product, whose formula stands in @loran/tensor, src/quantisation/int8-product.ts: x becomes unsigned bytes around 128.
 *
 * Without VNNI instructions an x86 processor adds the products of unsigned and signed bytes in pairs of 16 bits, which saturate.
 * The engine finds out when it opens which way is exact here (`chooseInt8Way`), and the kernel takes it:
 *
 *   signed     weights as they are: the fastest
 *   unsigned   weights around 128 as well: pairs of 32 bits, exact everywhere, about half as fast
 *   float32    codes as fp32 numbers: where the runtime has no such product
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { binary, cast, clip, elementwise, withScalar } from '../onnx/elementwise.js';
import { type GraphBuilder, microsoft } from '../onnx/graph-builder.js';
import { gather, reshape, transpose } from '../onnx/movement.js';
import { matMul, reduce } from '../onnx/reduction.js';
import { computeAll, defineKernel } from './define-kernel.js';
import type { KernelDefinition, LazyBackend, Value } from './kernel.js';

export type Int8Way = 'signed' | 'unsigned' | 'float32';

interface Inputs {
  readonly x: TensorInfo;
  readonly codes: TensorInfo;
  readonly scales?: TensorInfo;
}

const ways = new WeakMap<object, { readonly way: Int8Way; readonly onUse: () => void }>();

/** `onUse` is called when the backend's first product is made. */
export function useInt8Way(backend: object, way: Int8Way, onUse: () => void): void {
  let said = false;
  ways.set(backend, {
    way,
    onUse: () => {
      if (!said) onUse();
      said = true;
    },
  });
}

export const int8Kernels: readonly KernelDefinition[] = [
  defineKernel<Inputs, { transposed: boolean }>('LoranInt8Product', ({ x, codes, scales }, { transposed }, backend) => {
    const { way, onUse } = ways.get(backend) ?? { way: 'float32', onUse: () => undefined };
    onUse();
    const output = { shape: [x.shape[0] ?? 1, codes.shape[transposed ? 0 : 1] ?? 1], dtype: 'float32' } as const;
    const inputs = scales == null ? [x, codes] : [x, codes, scales];
    const attributes = { transposed, way, scaled: scales != null };
    return productOf(backend, inputs, attributes, output);
  }),
];

function productOf(
  backend: LazyBackend,
  inputs: readonly TensorInfo[],
  attributes: { readonly transposed: boolean; readonly way: Int8Way; readonly scaled: boolean },
  output: { readonly shape: readonly number[]; readonly dtype: 'float32' },
): TensorInfo {
  const { transposed, way } = attributes;
  const emit = (graph: GraphBuilder, values: readonly Value[]): readonly Value[] => {
    const [x, stored, scales] = values as [Value, Value, Value | undefined];
    const codes = cast(graph, stored, 'int8'); // nothing, unless the codes came as numbers
    const { quantised, rowScales } = quantisedRows(graph, cast(graph, x, 'float32'));
    const product = int8MatMul(graph, quantised, transposed ? transpose(graph, codes, [1, 0]) : codes, way, scales);
    return [binary(graph, 'Mul', product, rowScales)];
  };
  // raw: int8 codes reach the emitter in their stored width
  return computeAll(backend, 'LoranInt8Product', inputs, attributes, [output], emit, { raw: true })[0] as TensorInfo;
}

/** Rows as unsigned bytes around 128, and what each was divided by. */
function quantisedRows(graph: GraphBuilder, x: Value): { quantised: Value; rowScales: Value } {
  const largest = reduce(graph, 'ReduceMax', x, [1], true);
  const smallest = elementwise(graph, 'Neg', [reduce(graph, 'ReduceMin', x, [1], true)]);
  // the runtime's maximum passes over NaN; this is 0 for rows of numbers, and NaN otherwise
  const notNumber = withScalar(graph, 'Mul', reduce(graph, 'ReduceSum', x, [1], true), 0);
  const widest = withScalar(graph, 'Mul', binary(graph, 'Max', largest, smallest), 1 / 127);
  const rowScales = binary(graph, 'Add', widest, notNumber); // [m, 1]
  const factors = elementwise(graph, 'Reciprocal', [withScalar(graph, 'Add', rowScales, 1e-30)]);
  const scaled = binary(graph, 'Mul', x, factors);
  const around = [scaled, graph.scalar('float32', 1), graph.scalar('uint8', 128)];
  return { quantised: graph.node('QuantizeLinear', around, { type: 'uint8', shape: x.shape }), rowScales };
}

/** a [m, k] of uint8 around 128, b [k, n] of int8; the result in fp32, its columns times `scales`. */
export function int8MatMul(graph: GraphBuilder, a: Value, b: Value, way: Int8Way, scales?: Value): Value {
  const output = { type: 'float32', shape: [a.shape[0] ?? 1, b.shape[1] ?? 1] } as const;
  if (way === 'float32') {
    const centred = withScalar(graph, 'Add', cast(graph, a, 'float32'), -128);
    const product = matMul(graph, centred, cast(graph, b, 'float32'));
    return scales === undefined ? product : binary(graph, 'Mul', product, scales);
  }
  const one = graph.scalar('float32', 1);
  const middle = graph.scalar('uint8', 128);
  // the cast takes an int8 modulo 256; turning its first bit adds 128 to what it stood for
  const shifted = way === 'signed' ? b : binary(graph, 'BitwiseXor', cast(graph, b, 'uint8'), middle);
  const inputs = [a, shifted, one, scales ?? one, middle, ...(way === 'signed' ? [] : [middle])];
  return graph.node('MatMulIntegerToFloat', inputs, output, undefined, microsoft);
}

/** A model that runs only where this way gives exact sums: otherwise it reads beyond the end of a tensor. */
export function int8Probe(graph: GraphBuilder, way: Int8Way, multiply: typeof int8MatMul): Value {
  const [m, k, n] = [8, 64, 32]; // more than one step of any instruction
  const ends = (size: number, low: number, high: number) =>
    Array.from({ length: size }, (_, i) => (i % 5 === 4 ? low : high));
  const a = graph.constant('uint8', ends(m * k, 1, 255), [m, k]);
  const b = transpose(graph, graph.constant('int8', ends(n * k, -127, 127), [n, k]), [1, 0]); // no constant, which would be packed before
  const found = multiply(graph, a, b, way);
  const expected = int8MatMul(graph, a, b, 'float32');
  const furthest = reduce(
    graph,
    'ReduceMax',
    elementwise(graph, 'Abs', [binary(graph, 'Sub', found, expected)]),
    [0, 1],
  );
  const wrong = cast(graph, clip(graph, furthest, 0, 1), 'int64'); // sums are whole numbers: 0, or at least 1
  return gather(graph, reshape(graph, graph.scalar('float32', 0), [1]), wrong, 0);
}
