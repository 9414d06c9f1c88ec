/**
 * The global norm of the gradients, and clipping by it, as torch.nn.utils.clip_grad_norm_.
 *
 *   n = √(Σ ‖g‖²)                       over all parameters together
 *   g ← g · min(1, limit / (n + 1e-6))
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';

/** √ of the sum of all squares, over every tensor. */
export function globalNorm(tensors: Iterable<Tensor>): Scalar {
  return tf.tidy(() => tf.sqrt(tf.addN([...tensors].map((tensor) => tf.sum(tf.square(tensor)))))) as Scalar;
}

/** The gradients scaled so that their global norm, which is `norm`, becomes at most `limit`. */
export function clipByGlobalNorm(
  gradients: ReadonlyMap<string, Tensor>,
  norm: Scalar,
  limit: number,
): ReadonlyMap<string, Tensor> {
  const factor = tf.minimum(tf.scalar(1), tf.div(tf.scalar(limit), tf.add(norm, tf.scalar(1e-6))));
  return new Map([...gradients].map(([name, gradient]) => [name, tf.mul(gradient, factor)]));
}
