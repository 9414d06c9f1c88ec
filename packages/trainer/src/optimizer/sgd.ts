/**
 * Stochastic gradient descent with momentum, as torch.optim.SGD (without dampening).
 *
 *   g ← g + λ θ                         λ weight decay, part of the gradient
 *   b ← μ b + g                         μ momentum
 *   θ ← θ − η b                         Nesterov: θ ← θ − η (g + μ b)
 */
import * as tf from '@tensorflow/tfjs-core';
import { requireOption } from '../training-option-error.js';
import { Moments } from './moments.js';
import type { Optimizer } from './optimizer.js';

export interface SgdOptions {
  /** μ in [0, 1); default 0. */
  readonly momentum?: number;
  /** Look ahead along the momentum, which must then be above 0; default false. */
  readonly nesterov?: boolean;
  /** λ; default 0. */
  readonly weightDecay?: number;
}

/** Gradient descent; without options, plain. Throws TRAINING_OPTION for a value out of range. */
export function sgd(options: SgdOptions = {}): Optimizer {
  const { momentum = 0, nesterov = false, weightDecay = 0 } = options;
  requireOption('momentum', momentum, momentum >= 0 && momentum < 1, 'a number from 0 to below 1');
  requireOption('nesterov', nesterov, !nesterov || momentum > 0, 'false where there is no momentum');
  requireOption('weightDecay', weightDecay, weightDecay >= 0 && Number.isFinite(weightDecay), 'a number of at least 0');
  const moments = new Moments(momentum > 0 ? ['momentum'] : []);

  return {
    name: 'sgd',
    settings: { momentum, nesterov, weightDecay },
    start: (parameters) => {
      moments.start(parameters);
    },
    step(gradients, { learningRate }) {
      tf.tidy(() => {
        const rate = tf.scalar(learningRate);
        const mu = tf.scalar(momentum);
        const lambda = tf.scalar(weightDecay);
        for (const {
          parameter,
          moments: [buffer],
          gradient,
        } of moments.with(gradients)) {
          const slope = weightDecay > 0 ? tf.add(gradient, tf.mul(parameter, lambda)) : gradient;
          if (buffer !== undefined) buffer.assign(tf.add(tf.mul(buffer, mu), slope));
          const direction = buffer === undefined ? slope : nesterov ? tf.add(slope, tf.mul(buffer, mu)) : buffer;
          parameter.assign(tf.sub(parameter, tf.mul(direction, rate)));
        }
      });
    },
    state: () => moments.state(),
    dispose: () => {
      moments.dispose();
    },
  };
}
