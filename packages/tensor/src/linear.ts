import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';

/**
 * x Wᵀ (+ bias), for any leading axes of x.
 *
 *   x [..., in]   weight [out, in]   bias [out]   ->   [..., out]
 *
 * The leading axes are flattened first: tfjs's gradient of a batched matMul with a 2-D weight throws.
 */
export function linear(x: Tensor, weight: Tensor2D, bias?: Tensor1D | null): Tensor {
  return tf.tidy(() => {
    const [out] = weight.shape;
    const leading = x.shape.slice(0, -1);
    const rows = x.rank === 2 ? (x as Tensor2D) : tf.reshape(x, [tf.util.sizeFromShape(leading), x.shape.at(-1) ?? 1]); // [rows, in]
    const product = tf.matMul(rows, weight, false, true); // [rows, out]
    const y = bias ? tf.add(product, bias) : product;
    return x.rank === 2 ? y : tf.reshape(y, [...leading, out]);
  });
}
