/**
 * The product with a weight that must be decoded first, without keeping the decoded weight for the backward pass.
 *
 *   y  = x (W + Δ)ᵀ           dX = dY (W + Δ)           dΔ = dYᵀ X
 *
 * W is decoded once for each product. `after` ties the decoding to the activation that needs it: a lazy engine would
 * otherwise decode the weights of all layers before the first product runs. An eager engine frees a decoded weight with the tidy
 * around its product; tfjs runs a custom gradient in no tidy of its own, so it has one here.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { GradSaveFunc, Tensor, Tensor2D } from '@tensorflow/tfjs-core';

/**
 * x (W + Δ)ᵀ for x [..., columns]; `decode(dependency)` gives W [rows, columns], computed no earlier than `dependency`.
 * Differentiable in x and Δ.
 */
export function recomputedProduct(x: Tensor, decode: (dependency: Tensor) => Tensor2D, delta?: Tensor2D): Tensor {
  return tf.tidy(() => {
    const columns = x.shape.at(-1) ?? 1;
    const leading = x.shape.slice(0, -1);
    const flat = tf.reshape(x, [-1, columns]) as Tensor2D; // [tokens, columns]
    const y = delta === undefined ? withoutDelta(decode)(flat) : withDelta(decode)(flat, delta); // [tokens, rows]
    return tf.reshape(y, [...leading, y.shape[1] ?? 1]);
  });
}

const withoutDelta = (decode: (dependency: Tensor) => Tensor2D) =>
  tf.customGrad((x: Tensor | GradSaveFunc) => ({
    value: tf.matMul(x as Tensor2D, decode(x as Tensor2D), false, true),
    gradFunc: (dy: Tensor) => tf.tidy(() => tf.matMul(dy as Tensor2D, decode(dy))),
  }));

const withDelta = (decode: (dependency: Tensor) => Tensor2D) =>
  tf.customGrad((x: Tensor | GradSaveFunc, delta: Tensor | GradSaveFunc, save: Tensor | GradSaveFunc) => {
    (save as GradSaveFunc)([x as Tensor, delta as Tensor]);
    return {
      value: tf.matMul(x as Tensor2D, tf.add(decode(x as Tensor2D), delta as Tensor2D), false, true),
      gradFunc: (dy: Tensor, saved: Tensor[]) =>
        tf.tidy(() => {
          const [x, delta] = saved as [Tensor2D, Tensor2D];
          return [tf.matMul(dy as Tensor2D, tf.add(decode(dy), delta)), tf.matMul(dy as Tensor2D, x, true, false)];
        }),
    };
  });
