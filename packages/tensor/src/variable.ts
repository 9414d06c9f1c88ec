import * as tf from '@tensorflow/tfjs-core';
import type { Rank, Tensor, Variable } from '@tensorflow/tfjs-core';

/**
 * A trainable variable with that initial value. `tf.variable` shares the tensor and leaves it to the caller; this takes it
 * over, so that `variable(tf.zeros([2, 3]))` keeps nothing else alive, inside a `tf.tidy` or outside.
 */
export function variable<R extends Rank>(initial: Tensor<R>): Variable<R> {
  const made = tf.variable(initial, true);
  initial.dispose();
  return made;
}
