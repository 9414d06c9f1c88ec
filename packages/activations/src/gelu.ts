/**
 * Gaussian error linear unit, the exact form (erf), as torch's and transformers' default; not the tanh approximation.
 *
 *   f(z)  = z·Φ(z)                  Φ(z) = ½·(1 + erf(z/√2))
 *   f′(z) = Φ(z) + z·φ(z)           φ(z) = exp(−z²/2) / √(2π)
 *
 * Source: Hendrycks and Gimpel, "Gaussian error linear units" (arXiv 1606.08415).
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { defineActivation } from './define-activation.js';
import { origin } from './origin.js';

export const gelu = defineActivation({
  ...origin,
  name: 'gelu',
  apply: (z) => tf.mul(z, cumulative(z)),
  derivative: (z) => {
    const density = tf.mul(tf.exp(tf.mul(tf.square(z), tf.scalar(-0.5))), tf.scalar(1 / Math.sqrt(2 * Math.PI)));
    return tf.add(cumulative(z), tf.mul(z, density));
  },
});

/** Φ(z), the cumulative normal distribution. */
function cumulative(z: Tensor): Tensor {
  return tf.mul(tf.add(tf.erf(tf.mul(z, tf.scalar(Math.SQRT1_2))), tf.scalar(1)), tf.scalar(0.5));
}
