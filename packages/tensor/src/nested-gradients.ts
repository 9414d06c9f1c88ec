/**
 * Gradients inside a custom gradient: how a function is differentiated that is run again in the backward pass.
 *
 * tfjs has one tape. A gradient taken while another is being computed starts a new one and drops it at its end, with which the
 * outer tape would be lost, so it is put back here.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';

export interface ValueAndGradients<T extends Tensor> {
  readonly value: T;
  /** In the order of the inputs; zeros for one that the value does not depend on, or that stood before. */
  readonly gradients: Tensor[];
}

/**
 * The value of f(), and the gradients of Σ value·dy with respect to `inputs`, which f reaches by closure. May be called in the
 * gradient function of a `tf.customGrad`, where tfjs's own `tf.valueAndGrads` breaks the gradient that is under way.
 */
export function valueAndGradients<T extends Tensor>(
  f: () => T,
  inputs: readonly Tensor[],
  dy: T,
): ValueAndGradients<T> {
  const engine = tf.engine();
  const { activeTape } = engine.state;
  try {
    const { value, grads } = engine.gradients(f, [...inputs], dy, true);
    const found = grads as readonly (Tensor | undefined)[];
    const gradientOf = (input: Tensor, i: number) => (inputs.indexOf(input) === i ? found[i] : undefined);
    return { value, gradients: inputs.map((input, i) => gradientOf(input, i) ?? tf.zerosLike(input)) };
  } finally {
    engine.state.activeTape = activeTape;
  }
}
