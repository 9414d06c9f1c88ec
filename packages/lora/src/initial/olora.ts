/**
 * OLoRA: orthonormal directions of the weight's first columns are trained (Büyükakyüz 2024, arXiv 2406.01775).
 *
 *   W = Q R          B = Q[:, :r] [out, r], orthonormal          A = R[:r] [r, in]
 *
 * Q[:, :r] depends on the first r columns of W alone, and R[:r] = Q[:, :r]ᵀ W, so no more than that is factorised.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { LayerRequest } from '@loran/adapter';
import { qr } from '@loran/tensor';
import type { ModuleScaling } from '../module-scaling.js';
import type { Factors } from './start.js';

export async function olora({ frozen }: LayerRequest, { rank }: ModuleScaling): Promise<Factors> {
  const weight = frozen.weight();
  const columns = tf.slice(weight, [0, 0], [frozen.rows, rank]); // [out, r]
  try {
    const { Q, R } = await qr(columns);
    R.dispose();
    return { A: tf.matMul<Tensor2D>(Q, weight, true), B: Q };
  } finally {
    tf.dispose([weight, columns]);
  }
}
