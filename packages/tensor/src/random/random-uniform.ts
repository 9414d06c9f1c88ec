import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { fastKernel } from '../kernel.js';
import { hashUniform, type Key } from './hash.js';

/**
 * Uniform numbers in [0, 1) of that shape, fp32, given by the key alone: the same bits on every engine.
 * Where the engine has a kernel they are made in its graph, and a changing key compiles nothing again.
 */
export function randomUniform(shape: readonly number[], key: Key): Tensor {
  return tf.tidy(() => {
    const fast = fastKernel('LoranRandomUniform', { key: tf.tensor1d([...key], 'int32') }, { shape: [...shape] });
    if (fast !== undefined) return fast;
    const values = Float32Array.from({ length: tf.util.sizeFromShape([...shape]) }, (_, i) => hashUniform(i, key));
    return tf.tensor(values, [...shape], 'float32');
  });
}

/** Inverted dropout: x·mask/(1−rate), each element kept with probability 1−rate. `rate` in [0, 1); 0 returns x itself. */
export function dropout<T extends Tensor>(x: T, rate: number, key: Key): T {
  if (rate === 0) return x;
  return tf.tidy(() => {
    const kept = tf.greaterEqual(randomUniform(x.shape, key), tf.scalar(rate));
    return tf.mul(x, tf.mul(tf.cast(kept, 'float32'), tf.scalar(1 / (1 - rate))));
  });
}
