/**
 * Gaussian: an odd bump that fades for large updates.
 *
 *   f(z)  = ½·z·exp(−z²)
 *   f′(z) = ½·(1 − 2z²)·exp(−z²)
 *
 * Source: the code of Li et al., Findings of EMNLP 2024 (doi 10.18653/v1/2024.findings-emnlp.177). Elsewhere "Gaussian"
 * names exp(−z²), which is 1 at 0; this one is 0 there.
 */
import * as tf from '@tensorflow/tfjs-core';
import { defineActivation } from './define-activation.js';
import { origin } from './origin.js';

export const gaussian = defineActivation({
  ...origin,
  name: 'gaussian',
  apply: (z) => tf.mul(tf.mul(z, tf.scalar(0.5)), tf.exp(tf.neg(tf.square(z)))),
  derivative: (z) => {
    const squared = tf.square(z);
    return tf.mul(tf.sub(tf.scalar(0.5), squared), tf.exp(tf.neg(squared)));
  },
});
