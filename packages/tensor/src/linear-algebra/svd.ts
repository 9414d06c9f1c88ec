/**
 * The singular value decomposition, exact: on the host in double precision, in time O(m·n·min(m, n)), about two seconds for [576, 576].
 * Larger matrices of which few directions are wanted: truncatedSvd.
 *
 *   X = U diag(S) Vᵀ          X [m, n], k = min(m, n)          U [m, k]   S [k], descending   V [n, k]
 */
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { type Matrix, SingularValueDecomposition } from 'ml-matrix';
import { toHost, toTensor } from './host-matrix.js';

export interface Svd {
  readonly U: Tensor2D; // [m, k]
  readonly S: Float64Array; // [k], descending
  readonly V: Tensor2D; // [n, k]
}

/** The caller disposes U and V. Throws NON_FINITE. */
export async function svd(matrix: Tensor2D): Promise<Svd> {
  return hostSvd(await toHost(matrix));
}

/** All singular values, descending. // [min(m, n)] */
export async function singularValues(matrix: Tensor2D): Promise<Float64Array> {
  const values = await toHost(matrix);
  const options = { computeLeftSingularVectors: false, computeRightSingularVectors: false, autoTranspose: true };
  return Float64Array.from(new SingularValueDecomposition(values, options).diagonal);
}

/** The leading `rank` directions, all by default. */
export function hostSvd(values: Matrix, rank: number = Math.min(values.rows, values.columns)): Svd {
  const { leftSingularVectors, rightSingularVectors, diagonal } = new SingularValueDecomposition(values, {
    autoTranspose: true, // the algorithm is made for tall matrices
  });
  return {
    U: toTensor(leftSingularVectors, rank),
    S: Float64Array.from(diagonal.slice(0, rank)),
    V: toTensor(rightSingularVectors, rank),
  };
}
