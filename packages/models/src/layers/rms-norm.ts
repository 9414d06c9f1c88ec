/**
 * Root mean square normalisation over the last axis (Zhang & Sennrich 2019, arXiv 1910.07467), its weight frozen.
 *
 *   x̂ = x · r      r = 1/√(mean(x²) + ε)      y = γ·x̂
 *
 *   dx = r · (g − x̂·mean(g·x̂))      g = γ·dy
 *
 *   x, y [..., width]      γ [width]
 *
 * The gradient is written out, as for LayerNorm: fewer passes over the activations than autodiff makes of the composition.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { GradSaveFunc, Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import type { Norm } from './norm.js';

export class RmsNorm implements Norm {
  readonly size: number;
  readonly parameters: number;
  readonly #gamma: Tensor1D;
  readonly #normalise: (x: Tensor) => Tensor;

  /** Takes the tensor over. */
  constructor(gamma: Tensor1D, epsilon: number) {
    this.size = gamma.size;
    this.parameters = gamma.size;
    this.#gamma = gamma;
    this.#normalise = tf.customGrad((input: Tensor | GradSaveFunc, save: Tensor | GradSaveFunc) => {
      const x = input as Tensor;
      const scale = tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), epsilon)); // [..., 1]
      const normal = tf.mul(x, scale);
      (save as GradSaveFunc)([normal, scale]);
      return {
        value: tf.mul(normal, gamma),
        gradFunc: (dy: Tensor, saved: Tensor[]) => {
          const [normal, scale] = saved as [Tensor, Tensor];
          const g = tf.mul(dy, gamma);
          return tf.mul(tf.sub(g, tf.mul(normal, tf.mean(tf.mul(g, normal), -1, true))), scale);
        },
      };
    });
  }

  apply<T extends Tensor>(x: T): T {
    return tf.tidy(() => this.#normalise(x) as T);
  }

  dispose(): void {
    this.#gamma.dispose();
  }
}
