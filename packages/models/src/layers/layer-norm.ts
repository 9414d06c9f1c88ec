/**
 * Layer normalisation over the last axis (Ba et al. 2016, arXiv 1607.06450), its weights frozen.
 *
 *   x̂ = (x − mean(x)) · r      r = 1/√(var(x) + ε)      y = γ·x̂ + β
 *
 *   dx = r · (g − mean(g) − x̂·mean(g·x̂))      g = γ·dy
 *
 *   x, y [..., width]      γ, β [width]
 *
 * The gradient is written out: what autodiff makes of the composition reads and writes the activations twice as often.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { GradSaveFunc, Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import type { Norm } from './norm.js';

export class LayerNorm implements Norm {
  readonly size: number;
  readonly parameters: number;
  readonly #gamma: Tensor1D;
  readonly #beta: Tensor1D;
  readonly #normalise: (x: Tensor) => Tensor;

  /** Takes the tensors over. */
  constructor(gamma: Tensor1D, beta: Tensor1D, epsilon: number) {
    this.size = gamma.size;
    this.parameters = 2 * gamma.size;
    this.#gamma = gamma;
    this.#beta = beta;
    this.#normalise = tf.customGrad((input: Tensor | GradSaveFunc, save: Tensor | GradSaveFunc) => {
      const x = input as Tensor;
      const centred = tf.sub(x, meanOf(x));
      const scale = tf.rsqrt(tf.add(meanOf(tf.square(centred)), epsilon)); // [..., 1]
      const normal = tf.mul(centred, scale);
      (save as GradSaveFunc)([normal, scale]);
      return {
        value: tf.add(tf.mul(normal, gamma), beta),
        gradFunc: (dy: Tensor, saved: Tensor[]) => {
          const [normal, scale] = saved as [Tensor, Tensor];
          const g = tf.mul(dy, gamma);
          const along = tf.mul(normal, meanOf(tf.mul(g, normal)));
          return tf.mul(tf.sub(tf.sub(g, meanOf(g)), along), scale);
        },
      };
    });
  }

  apply<T extends Tensor>(x: T): T {
    return tf.tidy(() => this.#normalise(x) as T);
  }

  dispose(): void {
    tf.dispose([this.#gamma, this.#beta]);
  }
}

const meanOf = (x: Tensor): Tensor => tf.mean(x, -1, true); // [..., 1]
