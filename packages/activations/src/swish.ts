/**
 * Swish: z times the logistic function of βz; between z/2 (β = 0) and ReLU (β → ∞).
 *
 *   f(z)  = z·σ(βz)
 *   f′(z) = σ(βz)·(1 + βz·(1 − σ(βz)))
 *
 * Source: Ramachandran, Zoph and Le, "Searching for activation functions" (arXiv 1710.05941). β = 1 is the field's standard
 * (SiLU); the LoRAN authors' code uses 25.
 */
import * as tf from '@tensorflow/tfjs-core';
import { defineActivation } from './define-activation.js';
import { origin } from './origin.js';

export const swish = defineActivation({
  ...origin,
  name: 'swish',
  parameters: { beta: 1 },
  apply: (z, { beta }) => tf.mul(z, tf.sigmoid(tf.mul(beta, z))),
  derivative: (z, { beta }) => {
    const scaled = tf.mul(beta, z);
    const gate = tf.sigmoid(scaled);
    return tf.mul(gate, tf.add(tf.mul(scaled, tf.sub(tf.scalar(1), gate)), tf.scalar(1)));
  },
});

/** Swish with β = 25, as in the code of Li et al., Findings of EMNLP 2024. */
export const swish25 = defineActivation({ ...swish, name: 'swish-25', parameters: { beta: 25 } });
