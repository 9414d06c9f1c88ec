/**
 * Seeded streams of initial values. A stream is named, not advanced: `stream.derive('layer.0').uniform(…)` gives the same
 * numbers whatever else was drawn, so that one layer's initialisation does not depend on which others exist.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { deriveKey, hashUniform, type Key } from './hash.js';

export interface RandomStream {
  readonly key: Key;
  /** The sub-stream with that label. */
  derive(label: string | number): RandomStream;
  /** The number at a place of the stream, uniform in [0, 1): for choices made outside any graph. */
  at(position: number): number;
  /** Uniform in [low, high), made on the host: the same bits on every engine. Each call gives the same numbers. */
  uniform<S extends number[]>(shape: S, low: number, high: number): Tensor;
  /** Normal with that mean and standard deviation (Box-Muller), made on the host. Each call gives the same numbers. */
  normal<S extends number[]>(shape: S, mean: number, standardDeviation: number): Tensor;
}

/** The stream of a seed, a whole number. */
export function randomStream(seed: number): RandomStream {
  return stream(deriveKey([0x6c6f7261, 0x6e], seed)); // 'lora', 'n'
}

function stream(key: Key): RandomStream {
  const filled = (shape: readonly number[], value: (i: number) => number) =>
    tf.tensor(
      Float32Array.from({ length: tf.util.sizeFromShape([...shape]) }, (_, i) => value(i)),
      [...shape],
      'float32',
    );
  return {
    key,
    derive: (label) => stream(deriveKey(key, label)),
    at: (position) => hashUniform(position, key),
    uniform: (shape, low, high) => filled(shape, (i) => low + (high - low) * hashUniform(i, key)),
    normal: (shape, mean, standardDeviation) =>
      filled(shape, (i) => {
        const radius = Math.sqrt(-2 * Math.log(1 - hashUniform(2 * i, key)));
        return mean + standardDeviation * radius * Math.cos(2 * Math.PI * hashUniform(2 * i + 1, key));
      }),
  };
}
