/**
 * Sigmoid linear unit: swish with β = 1.
 *
 *   f(z)  = z·σ(z)
 *   f′(z) = σ(z)·(1 + z·(1 − σ(z)))
 *
 * Source: Elfwing, Uchibe and Doya, "Sigmoid-weighted linear units" (Neural Networks 2018, arXiv 1702.03118).
 */
import * as tf from '@tensorflow/tfjs-core';
import { defineActivation } from './define-activation.js';
import { origin } from './origin.js';

export const silu = defineActivation({
  ...origin,
  name: 'silu',
  apply: (z) => tf.mul(z, tf.sigmoid(z)),
  derivative: (z) => {
    const gate = tf.sigmoid(z);
    return tf.mul(gate, tf.add(tf.mul(z, tf.sub(tf.scalar(1), gate)), tf.scalar(1)));
  },
});
