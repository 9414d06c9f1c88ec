import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';

/** The mask of a batch as a term of the scores. mask [batch, time], 1 for a token -> [batch, 1, 1, time] */
export function additiveMask(mask: Tensor2D): Tensor4D {
  return tf.tidy(() => {
    const [batch, time] = mask.shape;
    // -1e9 leaves nothing of a score in fp32; and unlike -∞ it makes no NaN of a row without tokens
    return tf.reshape(tf.mul(tf.sub(1, tf.cast(mask, 'float32')), -1e9), [batch, 1, 1, time]);
  });
}
