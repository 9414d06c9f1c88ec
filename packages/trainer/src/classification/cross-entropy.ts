/**
 * Cross-entropy of class scores, the loss of a classifier.
 *
 *   loss = −mean over examples of log softmax(z)[label]        z [examples, classes]
 *
 * The logarithm is taken of the sum of exponentials below the maximum, so that no score overflows.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';

/** Mean cross-entropy in nats; labels [examples] are int32 in 0 … classes − 1. */
export function crossEntropy(logits: Tensor2D, labels: Tensor1D): Scalar {
  return tf.tidy(() => {
    const [examples, classes] = logits.shape;
    const chosen = tf.mul(tf.logSoftmax(logits), tf.oneHot(labels, classes)); // [examples, classes]
    return tf.mul<Scalar>(tf.sum(chosen), tf.scalar(-1 / examples));
  });
}
