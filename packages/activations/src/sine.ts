/**
 * Sine: bounded, and of high rank when it is applied to a low-rank product.
 *
 *   f(z)  = sin(ωz)
 *   f′(z) = ω·cos(ωz)
 *
 * Source: the short form found in the literature on LoRAN, with ω learnable on request, and Ji et al., "Efficient learning
 * with sine-activated low-rank matrices" (ICLR 2025, arXiv 2403.19243), which also divides by a constant: choose alpha for that.
 */
import * as tf from '@tensorflow/tfjs-core';
import { defineActivation } from './define-activation.js';
import { origin } from './origin.js';

/** `{ name: 'sine', frequency: { value: 30, trainable: true } }` learns ω. */
export const sine = defineActivation({
  ...origin,
  name: 'sine',
  parameters: { frequency: 1 },
  apply: (z, { frequency }) => tf.sin(tf.mul(frequency, z)),
  derivative: (z, { frequency }) => tf.mul(frequency, tf.cos(tf.mul(frequency, z))),
});
