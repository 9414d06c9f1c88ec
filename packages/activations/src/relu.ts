/**
 * Rectified linear unit.
 *
 *   f(z)  = max(z, 0)
 *   f′(z) = 1 for z ≥ 0, else 0
 *
 * Source: Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines" (ICML 2010).
 * At 0 any slope from 0 to 1 is a subgradient; torch and tfjs take 0, we take 1. A LoRAN update starts with every element
 * of B·A at 0, so that with slope 0 no gradient would ever reach A or B.
 */
import * as tf from '@tensorflow/tfjs-core';
import { defineActivation } from './define-activation.js';
import { origin } from './origin.js';

export const relu = defineActivation({
  ...origin,
  name: 'relu',
  apply: (z) => tf.relu(z),
  derivative: (z) => tf.cast(tf.greaterEqual(z, tf.scalar(0)), 'float32'),
});
