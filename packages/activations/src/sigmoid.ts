/**
 * Sigmoid, the logistic function.
 *
 *   f(z)  = 1 / (1 + exp(−z))
 *   f′(z) = f(z)·(1 − f(z))
 *
 * f(0) = ½, not 0: with B = 0 a LoRAN update is α/(2r) in every element, so the adapted model does NOT start as the base
 * model. The authors' code has it as its class default, behind a last projection that starts at 0 and is not part of
 * ΔW = (α/r)·f(B·A).
 */
import * as tf from '@tensorflow/tfjs-core';
import { defineActivation } from './define-activation.js';
import { origin } from './origin.js';

export const sigmoid = defineActivation({ ...origin, name: 'sigmoid', apply: (z) => tf.sigmoid(z) });
