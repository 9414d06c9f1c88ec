/**
 * How a trainable parameter stays within its bounds: by projection where it is used.
 *
 * The variable itself is free, and the activation sees min(max(v, lower), upper). The gradient reaches the variable as if
 * nothing were clamped, except where a descent step would take a value at or beyond a bound further out: there it is 0. So
 * no optimiser needs to know of bounds, the saved number is in the parameter's own unit (at most one step outside), and,
 * unlike with a plain clamp, a parameter at its bound comes back as soon as the loss asks for it.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs-core';

export function bounded(variable: Variable, { min, max }: { min: number; max: number }): Scalar {
  if (min === -Infinity && max === Infinity) return variable as unknown as Scalar;
  const project = tf.customGrad((v, save) => {
    const [free, keep] = [v as Tensor, save as tf.GradSaveFunc];
    keep([free]);
    return {
      value: tf.maximum(tf.minimum(free, tf.scalar(max)), tf.scalar(min)),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [at] = saved as [Tensor];
        const outwards = tf.logicalOr(
          tf.logicalAnd(tf.greaterEqual(at, tf.scalar(max)), tf.less(dy, tf.scalar(0))),
          tf.logicalAnd(tf.lessEqual(at, tf.scalar(min)), tf.greater(dy, tf.scalar(0))),
        );
        return tf.where(outwards, tf.zerosLike(dy), dy);
      },
    };
  });
  return project(variable) as Scalar;
}
