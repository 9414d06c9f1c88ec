/**
 * A product with weights in 8 bits, x quantised row by row on the way (the scheme of LLM.int8, Dettmers et al. 2022, arXiv
 * 2208.07339, without its outlier columns):
 *
 *   s[m] = max |x[m]| / 127          q = round(x / s)          y = s · (q · C) · scales
 *
 *   x [m, k] fp32        C [k, n] codes of int8, or [n, k] with `transposed`        scales [n]        y [m, n] fp32
 *
 * The sums of q · C are exact. An engine may have a kernel for it; elsewhere these operations run, with the same result but for
 * the rounding of fp32. Has no gradient: whoever calls it knows that of the product it stands for.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { fastKernel } from '../kernel.js';

export interface Int8ProductOptions {
  /** Factor of each column of y; default 1. */
  readonly scales?: Tensor1D | undefined;
  /** Whether `codes` are [n, k]; default false. */
  readonly transposed?: boolean;
}

export function int8Product(
  x: Tensor2D,
  codes: Tensor2D,
  { scales, transposed = false }: Int8ProductOptions = {},
): Tensor2D {
  const inputs: Record<string, Tensor> = scales === undefined ? { x, codes } : { x, codes, scales };
  const fast = fastKernel<Tensor2D>('LoranInt8Product', inputs, { transposed });
  if (fast !== undefined) return fast;
  return tf.tidy(() => {
    const rowScales = tf.mul(tf.max(tf.abs(x), 1, true), 1 / 127); // [m, 1]
    const quantised = tf.round(tf.mul(x, tf.reciprocal(tf.add(rowScales, 1e-30)))); // [m, k]
    const sums = tf.matMul(quantised, tf.cast(codes, 'float32'), false, transposed); // [m, n]
    return tf.mul<Tensor2D>(scales === undefined ? sums : tf.mul(sums, scales), rowScales);
  });
}
