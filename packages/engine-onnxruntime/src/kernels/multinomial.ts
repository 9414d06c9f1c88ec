/**
 * Draws from categorical distributions: the event in whose part of the cumulated probabilities a uniform number falls.
 *
 * The numbers come from a hash of position and seed, so a seed gives the same draws, in the graph, and another seed
 * compiles nothing again. (tfjs's own backends draw other numbers, and the same ones for every row.)
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { deriveKey } from '@loran/tensor';
import { cast, compare } from '../onnx/elementwise.js';
import { expandDims, sliceAxis } from '../onnx/movement.js';
import { reduce } from '../onnx/reduction.js';
import { compute, defineKernel } from './define-kernel.js';
import { randomUniform } from './engine-kernels.js';
import type { KernelDefinition } from './kernel.js';

interface MultinomialAttributes {
  readonly numSamples: number;
  readonly seed: number;
  /** Whether the logits are probabilities already. */
  readonly normalized: boolean;
}

export const multinomialKernels: readonly KernelDefinition[] = [
  defineKernel<{ logits: TensorInfo }, MultinomialAttributes>('Multinomial', ({ logits }, attributes, backend) => {
    const { numSamples, seed, normalized } = attributes;
    const [batch = 1, events = 1] = logits.shape;
    const output = { shape: [batch, numSamples], dtype: 'int32' } as const;
    const key = backend.constant(Int32Array.from(deriveKey([0x6d756c74, 0x69], String(seed))), [2], 'int32');
    const draws = compute(backend, 'Multinomial', [logits, key], { normalized }, output, (graph, [weights, words]) => {
      const shares = normalized ? weights : graph.node('Softmax', [weights], weights, { axis: -1 });
      const bounds = graph.node('CumSum', [shares, graph.scalar('int32', 1)], shares);
      // The last event takes what rounding leaves above the last bound.
      const inner = expandDims(graph, sliceAxis(graph, bounds, 1, 0, events - 1), 1); // [batch, 1, events − 1]
      const number = expandDims(graph, randomUniform(graph, words, output.shape), 2); // [batch, samples, 1]
      return reduce(graph, 'ReduceSum', cast(graph, compare(graph, 'LessOrEqual', inner, number), 'int32'), [2]);
    });
    backend.release(key);
    return draws;
  }),
];
