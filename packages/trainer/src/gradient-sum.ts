/**
 * The gradients of several batches, summed as if they were one: each batch counts by its share of the examples.
 *
 *   loss = Σ (nᵢ / n) lossᵢ             g = Σ (nᵢ / n) gᵢ
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Variable } from '@tensorflow/tfjs-core';
import { variable } from '@loran/tensor';
import type { LossAndGradients } from './training-step.js';

export class GradientSum {
  readonly #loss: Variable = variable(tf.scalar(0));
  readonly #gradients: ReadonlyMap<string, Variable>;

  constructor(parameters: ReadonlyMap<string, Variable>) {
    this.#gradients = new Map([...parameters].map(([name, { shape }]) => [name, variable(tf.zeros(shape))]));
  }

  /** Adds a batch that holds `share` of the examples; the `first` of an update starts the sum anew. Returns the sum so far. */
  add({ loss, gradients }: LossAndGradients, share: number, first: boolean): LossAndGradients {
    const weight = tf.scalar(share);
    const held = tf.scalar(first ? 0 : 1); // a number, not another graph
    this.#loss.assign(tf.add(tf.mul(this.#loss, held), tf.mul(loss, weight)));
    for (const [name, sum] of this.#gradients) {
      sum.assign(tf.add(tf.mul(sum, held), tf.mul(gradients.get(name)!, weight)));
    }
    return { loss: this.#loss as unknown as Scalar, gradients: this.#gradients };
  }

  dispose(): void {
    tf.dispose([this.#loss, ...this.#gradients.values()]);
  }
}
