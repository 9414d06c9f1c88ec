/**
 * Kernels of loran's engine interface, beyond tfjs's own.
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { binary, cast, not, where, withScalar } from '../onnx/elementwise.js';
import type { GraphBuilder } from '../onnx/graph-builder.js';
import { gather, positions, reshape } from '../onnx/movement.js';
import { compute, defineKernel, sizeOf } from './define-kernel.js';
import type { KernelDefinition, LazyBackend, Value } from './kernel.js';

interface AfterInputs {
  readonly x: TensorInfo;
  readonly dependency: TensorInfo;
}

export const engineKernels: readonly KernelDefinition[] = [
  defineKernel<AfterInputs>('LoranAfter', after),
  defineKernel<{ key: TensorInfo }, { shape: number[] }>('LoranRandomUniform', ({ key }, { shape }, backend) =>
    compute(backend, 'LoranRandomUniform', [key], {}, { shape, dtype: 'float32' }, (graph, [words]) =>
      randomUniform(graph, words, shape),
    ),
  ),
];

/** Uniform numbers in [0, 1) by a hash of position and key; the formula stands in @loran/tensor, src/random/hash.ts. */
export function randomUniform(graph: GraphBuilder, key: Value, shape: readonly number[]): Value {
  const words = cast(graph, key, 'uint32');
  const [k0, k1] = [0, 1].map((i) => gather(graph, words, graph.scalar('int64', i), 0)) as [Value, Value];
  const shifted = (x: Value, bits: number): Value =>
    graph.node('BitShift', [x, graph.scalar('uint32', bits)], x, { direction: 'RIGHT' });
  const mixed = (x: Value, bits: number): Value => binary(graph, 'BitwiseXor', x, shifted(x, bits));

  const index = cast(graph, positions(graph, 'int32', sizeOf(shape)), 'uint32');
  const first = mixed(withScalar(graph, 'Mul', binary(graph, 'BitwiseXor', index, k0), 0x7feb352d), 15);
  const second = mixed(withScalar(graph, 'Mul', binary(graph, 'Add', first, k1), 0x846ca68b), 16);
  const numbers = withScalar(graph, 'Mul', cast(graph, shifted(second, 8), 'float32'), 2 ** -24);
  return reshape(graph, numbers, shape);
}

/**
 * x, not computed before `dependency` is: a reshape whose shape, though always the same, comes from there.
 * It copies nothing and changes no bit, and neither NaN in the dependency nor the runtime's optimiser touch it.
 */
function after({ x, dependency }: AfterInputs, _: unknown, backend: LazyBackend): TensorInfo {
  if (sizeOf(x.shape) === 0 || sizeOf(dependency.shape) === 0) return backend.share(x);
  const type = backend.storedType(x);
  const output = { shape: x.shape, dtype: x.dtype, type };
  const emit = (graph: GraphBuilder, inputs: readonly Value[]): Value => {
    const [value, other] = inputs as [Value, Value];
    const element = gather(graph, reshape(graph, other, [sizeOf(other.shape)]), graph.scalar('int64', 0), 0);
    const flag = cast(graph, element, 'bool');
    const always = binary(graph, 'Or', flag, not(graph, flag));
    const shape = graph.integers(value.shape);
    return graph.node('Reshape', [value, where(graph, always, shape, shape)], value);
  };
  return backend.append('LoranAfter', emit, [x, dependency], {}, [output], { raw: true })[0] as TensorInfo;
}
