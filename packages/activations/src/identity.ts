/**
 * Identity: turns LoRAN into LoRA in weight space, bit for bit; the control arm of an ablation.
 *
 *   f(z)  = z
 *   f′(z) = 1
 */
import * as tf from '@tensorflow/tfjs-core';
import { defineActivation } from './define-activation.js';
import { origin } from './origin.js';

export const identity = defineActivation({ ...origin, name: 'identity', apply: (z) => tf.clone(z) });
