/**
 * AdamW: Adam with weight decay apart from the gradient (Loshchilov & Hutter 2019, arXiv 1711.05101), as torch.optim.AdamW.
 *
 *   θ ← (1 − η λ) θ                     η learning rate, λ weight decay
 *   m ← β₁ m + (1 − β₁) g               first moment
 *   v ← β₂ v + (1 − β₂) g²              second moment
 *   θ ← θ − η / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε)
 */
import * as tf from '@tensorflow/tfjs-core';
import { requireOption } from '../training-option-error.js';
import { Moments } from './moments.js';
import type { Optimizer } from './optimizer.js';

export interface AdamWOptions {
  /** Decay of the two moments, each in [0, 1); default [0.9, 0.999]. */
  readonly betas?: readonly [first: number, second: number];
  /** Added to the root of the second moment; default 1e-8. */
  readonly epsilon?: number;
  /** λ: share of a parameter that a step at learning rate 1 takes away; default 0.01. */
  readonly weightDecay?: number;
}

/** AdamW with torch's defaults. Throws TRAINING_OPTION for a value out of range. */
export function adamW(options: AdamWOptions = {}): Optimizer {
  const { betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0.01 } = options;
  const [beta1, beta2] = betas;
  for (const beta of betas) requireOption('betas', beta, beta >= 0 && beta < 1, 'two numbers from 0 to below 1');
  requireOption('epsilon', epsilon, epsilon >= 0 && Number.isFinite(epsilon), 'a number of at least 0');
  requireOption('weightDecay', weightDecay, weightDecay >= 0 && Number.isFinite(weightDecay), 'a number of at least 0');
  const moments = new Moments(['firstMoment', 'secondMoment']);

  return {
    name: 'adamw',
    settings: { betas, epsilon, weightDecay },
    start: (parameters) => {
      moments.start(parameters);
    },
    step(gradients, { step, learningRate }) {
      tf.tidy(() => {
        // Powers and roots of single numbers are taken here in double precision: 1 − β₂ᵗ loses five digits in fp32.
        const keep1 = tf.scalar(beta1);
        const take1 = tf.scalar(1 - beta1);
        const keep2 = tf.scalar(beta2);
        const take2 = tf.scalar(1 - beta2);
        const correction2 = tf.scalar(1 / Math.sqrt(1 - beta2 ** step));
        const stepSize = tf.scalar(learningRate / (1 - beta1 ** step));
        const decay = tf.scalar(1 - learningRate * weightDecay);
        const floor = tf.scalar(epsilon);

        for (const { parameter, moments: held, gradient } of moments.with(gradients)) {
          const [first, second] = held as [tf.Variable, tf.Variable];
          first.assign(tf.add(tf.mul(first, keep1), tf.mul(gradient, take1)));
          second.assign(tf.add(tf.mul(second, keep2), tf.mul(tf.square(gradient), take2)));
          const root = tf.add(tf.mul(tf.sqrt(second), correction2), floor);
          parameter.assign(tf.sub(tf.mul(parameter, decay), tf.mul(stepSize, tf.div(first, root))));
        }
      });
    },
    state: () => moments.state(),
    dispose: () => {
      moments.dispose();
    },
  };
}
