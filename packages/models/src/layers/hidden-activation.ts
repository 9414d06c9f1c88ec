import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { gelu, geluTanh } from './gelu.js';

/** The activations between the two layers of a feed-forward block, by transformers' names for `hidden_act`. */
export const hiddenActivations = {
  gelu,
  gelu_new: geluTanh,
  gelu_pytorch_tanh: geluTanh,
  relu: (x: Tensor) => tf.relu(x),
  silu: (x: Tensor) => tf.tidy(() => tf.mul(x, tf.sigmoid(x))),
} as const;

export type HiddenActivation = keyof typeof hiddenActivations;
