/**
 * Hyperbolic tangent: bounded, and near the identity for small updates.
 *
 *   f(z)  = tanh(z)
 *   f′(z) = 1 − tanh²(z)
 *
 * Source: among those compared with Sinter by Li et al., Findings of EMNLP 2024 (doi 10.18653/v1/2024.findings-emnlp.177).
 */
import * as tf from '@tensorflow/tfjs-core';
import { defineActivation } from './define-activation.js';
import { origin } from './origin.js';

export const tanh = defineActivation({ ...origin, name: 'tanh', apply: (z) => tf.tanh(z) });
