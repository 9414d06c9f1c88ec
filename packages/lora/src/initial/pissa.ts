/**
 * PiSSA: the principal directions of the weight are trained (Meng, Wang, Zhang, NeurIPS 2024, arXiv 2404.02948).
 *
 *   W ≈ U diag(S) Vᵀ, the r largest           A = diag(√(S/s)) Vᵀ [r, in]           B = U diag(√(S/s)) [out, r]           s·BA ≈ W
 *
 * The decomposition is exact up to a smaller side of 256, above that randomised with 8 power iterations; pissa_niter_n: n of them.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { LayerRequest } from '@loran/adapter';
import { truncatedSvd } from '@loran/tensor';
import type { ModuleScaling } from '../module-scaling.js';
import type { Factors } from './start.js';

export interface PissaOptions {
  /** Power iterations; default 8. */
  readonly iterations?: number | undefined;
  /** Exact whatever the size, as a file asks for whose factors stand for W − s·B₀A₀; default false. */
  readonly exact?: boolean;
}

export async function pissa(
  { frozen }: LayerRequest,
  { rank, scaling }: ModuleScaling,
  { iterations = 8, exact = false }: PissaOptions,
): Promise<Factors> {
  const weight = frozen.weight();
  try {
    return await principalFactors(weight, rank, scaling, { iterations, ...(exact ? { exactUpTo: Infinity } : {}) });
  } finally {
    weight.dispose();
  }
}

/** A and B of s·BA ≈ matrix, the best of that rank. */
export async function principalFactors(
  matrix: Tensor2D,
  rank: number,
  scaling: number,
  options: Parameters<typeof truncatedSvd>[2] = {},
): Promise<Factors> {
  const { U, S, V } = await truncatedSvd(matrix, rank, options);
  const made = tf.tidy(() => {
    const roots = tf.tensor1d([...S].map((value) => Math.sqrt(value / scaling))); // [r]
    return { A: tf.transpose<Tensor2D>(tf.mul<Tensor2D>(V, roots)), B: tf.mul<Tensor2D>(U, roots) };
  });
  tf.dispose([U, V]);
  return made;
}
