/**
 * Training for tests: AdamW in plain tfjs ops, the same bits each time.
 *
 *   m ← β₁m + (1−β₁)g     v ← β₂v + (1−β₂)g²     θ ← θ − η·(m̂ / (√v̂ + ε) + λθ)         β₁ 0.9, β₂ 0.999, ε 1e-8
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs-core';

export interface DescendOptions {
  readonly steps: number;
  /** Default 0.02. */
  readonly learningRate?: number;
  /** Default 0. */
  readonly weightDecay?: number;
  /** Sees each step's gradients, by the variables' order, before they are applied. */
  readonly onStep?: (gradients: readonly Tensor[], step: number) => Promise<void> | void;
}

/** Minimises `loss(step)` over the variables; returns the losses before each step. */
export async function descend(
  loss: (step: number) => Scalar,
  variables: readonly Variable[],
  { steps, learningRate = 0.02, weightDecay = 0, onStep }: DescendOptions,
): Promise<number[]> {
  const losses: number[] = [];
  let moments = variables.map((variable) => [tf.zerosLike(variable), tf.zerosLike(variable)] as [Tensor, Tensor]);
  for (let step = 0; step < steps; step++) {
    const { value, grads } = tf.variableGrads(() => loss(step), [...variables]);
    const gradients = variables.map((variable) => grads[variable.name]!);
    await onStep?.(gradients, step);
    const next = variables.map((variable, i) => {
      const [m, v] = moments[i]!;
      return tf.tidy(() => {
        const g = gradients[i]!;
        const mean = tf.add(tf.mul(m, 0.9), tf.mul(g, 0.1));
        const variance = tf.add(tf.mul(v, 0.999), tf.mul(tf.square(g), 0.001));
        const corrected = tf.div(mean, 1 - 0.9 ** (step + 1));
        const scale = tf.add(tf.sqrt(tf.div(variance, 1 - 0.999 ** (step + 1))), 1e-8);
        const direction = tf.add(tf.div(corrected, scale), tf.mul(variable, weightDecay));
        variable.assign(tf.sub(variable, tf.mul(direction, learningRate)));
        return [mean, variance] as [Tensor, Tensor];
      });
    });
    losses.push((await value.data())[0]!);
    tf.dispose([value, ...gradients, ...moments.flat()]);
    moments = next;
  }
  tf.dispose(moments.flat());
  return losses;
}
