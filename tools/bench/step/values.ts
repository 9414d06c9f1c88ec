/** Values for the benchmark, the same in every run: only their shapes matter to its timing. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';

export function valueStream(seed: number) {
  let state = seed >>> 0 || 1;
  const next = (): number => {
    state ^= state << 13; // xorshift32 (Marsaglia 2003)
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
  return {
    /** Uniform in [-limit, limit). */
    uniform: ([rows, columns]: [number, number], limit: number): Tensor2D => {
      const values = new Float32Array(rows * columns);
      for (let i = 0; i < values.length; i++) values[i] = (next() / 2 ** 31 - 1) * limit;
      return tf.tensor2d(values, [rows, columns]);
    },
    /** Integers in [0, below). */
    integers: (length: number, below: number): Tensor1D =>
      tf.tensor1d(
        Int32Array.from({ length }, () => next() % below),
        'int32',
      ),
  };
}
