/**
 * GELU (Hendrycks & Gimpel 2016, arXiv 1606.08415) with the exact error function, as BERT has it.
 *
 *   f(x)  = x·Φ(x)              Φ(x) = ½ (1 + erf u)                 u = x/√2
 *   f′(x) = Φ(x) + x·φ(x)       x·φ(x) = u·exp(−u² − ½ ln π)
 *
 * It works on the widest activations of a layer, so passes over memory count: written in u, the gradient takes six.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { GradSaveFunc, Tensor } from '@tensorflow/tfjs-core';

const logRootPi = 0.5 * Math.log(Math.PI);

export const gelu = tf.customGrad((input: Tensor | GradSaveFunc, save: Tensor | GradSaveFunc) => {
  const x = input as Tensor;
  const u = tf.mul(x, Math.SQRT1_2);
  const below = tf.mul(tf.add(tf.erf(u), 1), 0.5); // Φ(x)
  (save as GradSaveFunc)([u, below]);
  return {
    value: tf.mul(x, below),
    gradFunc: (dy: Tensor, saved: Tensor[]) => {
      const [u, below] = saved as [Tensor, Tensor];
      const slope = tf.mul(u, tf.exp(tf.sub(-logRootPi, tf.square(u)))); // x·φ(x)
      return tf.mul(dy, tf.add(below, slope));
    },
  };
}) as (x: Tensor) => Tensor;

/**
 * Its approximation by a hyperbolic tangent: f(x) = ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))). Transformers' names for it are
 * 'gelu_new' and 'gelu_pytorch_tanh'.
 */
export function geluTanh(x: Tensor): Tensor {
  return tf.tidy(() => {
    const inner = tf.mul(x, tf.add(tf.mul(tf.square(x), 0.044715), 1)); // x + 0.044715 x³
    return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(tf.mul(inner, Math.sqrt(2 / Math.PI))), 1));
  });
}
