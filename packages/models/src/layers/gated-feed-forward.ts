/** A gated feed-forward block (Shazeer 2020, arXiv 2002.05202): down(f(gate(x)) · up(x)). */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import type { Pass, Slot } from '@loran/adapter';

export interface GatedFeedForward {
  readonly gate: Slot;
  readonly up: Slot;
  readonly down: Slot;
  readonly activation: (x: Tensor) => Tensor;
}

/** x [rows, width] -> the same shape */
export function gatedFeedForward({ gate, up, down, activation }: GatedFeedForward, x: Tensor2D, pass: Pass): Tensor2D {
  return tf.tidy(() => down.apply(tf.mul(activation(gate.apply(x, pass)), up.apply(x, pass)), pass) as Tensor2D);
}
