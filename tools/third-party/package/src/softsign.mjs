/** Softsign, f(z) = z / (1 + |z|/a): nearly z where z is small, bounded by ±a. f(0) = 0 and f′(z) = 1 / (1 + |z|/a)². */
import * as tf from '@tensorflow/tfjs-core';
import { defineActivation } from '@loran/activations';
import { origin } from './origin.mjs';

const spread = (z, a) => tf.add(1, tf.div(tf.abs(z), a));

export const softsign = defineActivation({
  ...origin,
  name: 'softsign',
  parameters: { a: { initial: 1, min: 1e-3 } },
  apply: (z, { a }) => tf.div(z, spread(z, a)),
  derivative: (z, { a }) => tf.reciprocal(tf.square(spread(z, a))),
});
