/**
 * Sinter: a sine-based activation that adds a structured perturbation to a low-rank update, without adding parameters.
 *
 *   f(z)  = z + A·z·sin(ωz)
 *   f′(z) = 1 + A·sin(ωz) + A·ω·z·cos(ωz)
 *
 * Source: Li et al., Findings of EMNLP 2024 (doi 10.18653/v1/2024.findings-emnlp.177) and its code, where A and ω are constants.
 * |f(z) − z| ≤ A·|z|: with the published constants that is below the resolution of bf16 and fp16, so the adapter path stays fp32.
 */
import * as tf from '@tensorflow/tfjs-core';
import { defineActivation } from './define-activation.js';
import { origin } from './origin.js';

/** Sinter with the constants of the published runs: A = 5e-5, ω = 1e4. */
export const sinter = defineActivation({
  ...origin,
  name: 'sinter',
  parameters: { amplitude: 5e-5, frequency: 1e4 },
  apply: (z, { amplitude, frequency }) => {
    const wave = tf.sin(tf.mul(frequency, z));
    return tf.add(tf.mul(tf.mul(amplitude, z), wave), z);
  },
  derivative: (z, { amplitude, frequency }) => {
    const angle = tf.mul(frequency, z);
    const slope = tf.add(tf.sin(angle), tf.mul(angle, tf.cos(angle)));
    return tf.add(tf.mul(amplitude, slope), tf.scalar(1));
  },
});

/** Sinter with the defaults of the authors' configuration class: A = 5e-4, ω = 1e3. A·ω, which shapes the gradient, is the same. */
export const sinterClassDefaults = defineActivation({
  ...sinter,
  name: 'sinter-class-defaults',
  parameters: { amplitude: 5e-4, frequency: 1e3 },
});
