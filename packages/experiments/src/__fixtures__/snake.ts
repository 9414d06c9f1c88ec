/** A plugin module, as a user writes one. */
import * as tf from '@tensorflow/tfjs-core';
import { defineActivation } from '@loran/activations';

export const wiggle = defineActivation({
  name: 'snake',
  parameters: { a: 1 },
  apply: (z, { a }) => tf.add(z, tf.div(tf.square(tf.sin(tf.mul(a, z))), a)),
});

export const notAPlugin = 42;
