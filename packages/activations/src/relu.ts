/**
 * Rectified linear unit.
 *
 *   f(z)  = max(z, 0)
 *   f′(z) = 1 for z > 0, else 0
 *
 * Source: Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines" (ICML 2010).
 * f′(0) = 0, as in tfjs and torch. With B = 0 the product is 0 everywhere, so no gradient reaches B and a LoRAN update never
 * leaves 0: start B elsewhere, or use an activation with f′(0) ≠ 0.
 */
import * as tf from '@tensorflow/tfjs-core';
import { defineActivation } from './define-activation.js';
import { origin } from './origin.js';

export const relu = defineActivation({ ...origin, name: 'relu', apply: (z) => tf.relu(z) });
