import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';

/**
 * The mean of the hidden states over the tokens that are no padding, as sentence-transformers pools.
 * hidden [batch, time, width], mask [batch, time] (none: no padding) -> [batch, width]
 */
export function meanPooling(hidden: Tensor3D, mask?: Tensor2D): Tensor2D {
  return tf.tidy(() => {
    if (mask === undefined) return tf.mean<Tensor2D>(hidden, 1);
    const weights = tf.cast(mask, 'float32');
    const count = tf.maximum(tf.sum(weights, 1, true), 1e-9); // [batch, 1]; a row of padding alone gives zeros
    const [batch, time, width] = hidden.shape;
    const shares = tf.reshape(tf.div(weights, count), [batch, 1, time]);
    return tf.reshape(tf.matMul(shares, hidden), [batch, width]);
  });
}
