/**
 * The product with a weight that is made where it is needed, without keeping it for the backward pass.
 *
 *   y  = x (W + Δ)ᵀ           dX = dY (W + Δ)           dΔ = dYᵀ X
 *
 * W is decoded once for each product. `after` ties the decoding to the activation that needs it: a lazy engine would
 * otherwise decode the weights of all layers before the first product runs. Δ is formed again as well, if it says how
 * (recomputed): then dΔ goes on at once to what Δ is made of, by the same second run, and dX waits for that, so that the layer
 * is done with before the next one begins.
 *
 * An eager engine frees a decoded weight with the tidy around its product; tfjs runs a custom gradient in no tidy of its own,
 * so it has one here.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { GradSaveFunc, Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { after } from '@loran/tensor';
import { formedAgain, formulaOf, type Formula } from '../recomputed.js';

/** W [rows, columns], computed no earlier than `dependency`. */
type Decode = (dependency: Tensor) => Tensor2D;

/** x (W + Δ)ᵀ for x [..., columns]. Differentiable in x and Δ. */
export function recomputedProduct(x: Tensor, decode: Decode, delta?: Tensor2D): Tensor {
  return flattened(x, (flat) => (delta === undefined ? withoutDelta(flat, decode) : withDelta(flat, delta, decode)));
}

/** x Δᵀ for x [..., columns], where the update is multiplied apart from the weight. Differentiable in x and Δ. */
export function updateProduct(x: Tensor, delta: Tensor2D): Tensor {
  return flattened(x, (flat) => withDelta(flat, delta));
}

/** Rows of an embedding's update at the ids, ids [...] -> [..., columns]; the gradient of tf.gather keeps all rows. */
export function updateRows(delta: Tensor2D, ids: Tensor): Tensor {
  const rows = tf.customGrad((delta: Tensor | GradSaveFunc, save: Tensor | GradSaveFunc) => {
    const { shape } = delta as Tensor2D;
    (save as GradSaveFunc)([ids]);
    return {
      value: tf.gather(delta as Tensor2D, ids),
      gradFunc: (dy: Tensor, saved: Tensor[]) =>
        tf.tidy(() => {
          const [ids] = saved as [Tensor];
          const flat = tf.reshape(ids, [ids.size]) as Tensor1D;
          return tf.unsortedSegmentSum(tf.reshape(dy, [flat.size, shape[1]]), flat, shape[0]);
        }),
    };
  });
  return rows(delta);
}

function flattened(x: Tensor, product: (x: Tensor2D) => Tensor): Tensor {
  return tf.tidy(() => {
    const columns = x.shape.at(-1) ?? 1;
    const leading = x.shape.slice(0, -1);
    const y = product(tf.reshape(x, [tf.util.sizeFromShape(leading), columns])); // [tokens, rows]
    return tf.reshape(y, [...leading, y.shape[1] ?? 1]);
  });
}

function withoutDelta(x: Tensor2D, decode: Decode): Tensor {
  const product = tf.customGrad((x: Tensor | GradSaveFunc) => ({
    value: tf.matMul(x as Tensor2D, decode(x as Tensor2D), false, true),
    gradFunc: (dy: Tensor) => tf.tidy(() => tf.matMul(dy as Tensor2D, decode(dy))),
  }));
  return product(x);
}

function withDelta(x: Tensor2D, delta: Tensor2D, decode?: Decode): Tensor {
  const weight = (dependency: Tensor, delta: Tensor2D): Tensor2D =>
    decode === undefined ? delta : tf.add(decode(dependency), delta);
  // One that cannot be formed again is its own input: kept, with itself as its formula.
  const { inputs, form }: Formula<Tensor2D> = formulaOf(delta) ?? { inputs: [delta], form: (same) => same as Tensor2D };
  const product = tf.customGrad((...args: (Tensor | GradSaveFunc)[]) => {
    const [x] = args as [Tensor2D];
    (args.at(-1) as GradSaveFunc)(args.slice(0, -1) as Tensor[]);
    return {
      value: tf.matMul(x, weight(x, delta), false, true),
      gradFunc: (dy: Tensor, [x, ...saved]: Tensor[]) =>
        tf.tidy(() => {
          const along = tf.matMul<Tensor2D>(dy as Tensor2D, x as Tensor2D, true, false); // dΔ [rows, columns]
          const { value, gradients } = formedAgain<Tensor2D>({ inputs, form }, saved, dy, along);
          const dx = tf.matMul(dy as Tensor2D, weight(dy, value));
          return [gradients.reduce<Tensor>(after, dx), ...gradients];
        }),
    };
  });
  return product(x, ...inputs);
}
