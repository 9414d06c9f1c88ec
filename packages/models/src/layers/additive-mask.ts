import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';

/** The mask of a batch as a term of the scores. mask [batch, time], 1 for a token -> [batch, 1, 1, time] */
export function additiveMask(mask: Tensor2D): Tensor4D {
  return tf.tidy(() => {
    const [batch, time] = mask.shape;
    return tf.reshape(closed(tf.cast(mask, 'float32')), [batch, 1, 1, time]);
  });
}

/**
 * What is added to a score: 0 where `open` is 1, −10⁹ where it is 0. That leaves nothing of a score in fp32; and unlike −∞ it
 * makes no NaN of a row without tokens.
 */
export const closed = <T extends Tensor>(open: T): T => tf.mul<T>(tf.sub(1, open), -1e9);
