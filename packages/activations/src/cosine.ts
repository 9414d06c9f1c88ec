/**
 * Cosine: the sibling of Sinter in the authors' code, with the amplitude 1.
 *
 *   f(z)  = z + z·cos(ωz)
 *   f′(z) = 1 + cos(ωz) − ω·z·sin(ωz)
 *
 * Source: the code of Li et al., Findings of EMNLP 2024 (doi 10.18653/v1/2024.findings-emnlp.177), ω = 1e4. Not cos(z): that
 * one is not 0 at 0. The slope swings by ω·|z|, so small updates only.
 */
import * as tf from '@tensorflow/tfjs-core';
import { defineActivation } from './define-activation.js';
import { origin } from './origin.js';

export const cosine = defineActivation({
  ...origin,
  name: 'cosine',
  parameters: { frequency: 1e4 },
  apply: (z, { frequency }) => tf.add(tf.mul(z, tf.cos(tf.mul(frequency, z))), z),
  derivative: (z, { frequency }) => {
    const angle = tf.mul(frequency, z);
    return tf.add(tf.sub(tf.cos(angle), tf.mul(angle, tf.sin(angle))), tf.scalar(1));
  },
});
