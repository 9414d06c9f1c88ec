/**
 * AdamW (Loshchilov and Hutter, arXiv 1711.05101) in plain tfjs ops, as the benchmarked step uses it.
 *
 *   m ← β₁ m + (1 − β₁) g      v ← β₂ v + (1 − β₂) g²      w ← w − η (m̂ / (√v̂ + ε) + λ w)
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import { variable } from '@loran/tensor';

export interface AdamWOptions {
  readonly learningRate: number;
  readonly weightDecay: number;
}

const [beta1, beta2, epsilon] = [0.9, 0.999, 1e-8];

/** A function that applies one update to `variables`, given their gradients in the same order. */
export function adamW(variables: readonly Variable[], { learningRate, weightDecay }: AdamWOptions) {
  const slots = variables.map(({ shape }) => ({
    first: variable(tf.zeros(shape)),
    second: variable(tf.zeros(shape)),
  }));
  let step = 0;

  return (gradients: readonly Tensor[]): void =>
    tf.tidy(() => {
      step++;
      const correction1 = tf.scalar(1 - beta1 ** step);
      const correction2 = tf.scalar(1 - beta2 ** step);
      for (const [i, { first, second }] of slots.entries()) {
        const [w, g] = [variables[i] as Variable, gradients[i] as Tensor];
        first.assign(tf.add(tf.mul(first, beta1), tf.mul(g, 1 - beta1)));
        second.assign(tf.add(tf.mul(second, beta2), tf.mul(tf.square(g), 1 - beta2)));
        const direction = tf.div(tf.div(first, correction1), tf.add(tf.sqrt(tf.div(second, correction2)), epsilon));
        w.assign(tf.sub(w, tf.mul(tf.add(direction, tf.mul(w, weightDecay)), learningRate)));
      }
    });
}
