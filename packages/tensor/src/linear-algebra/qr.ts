/**
 * The reduced QR factorisation, by Householder reflections on the host in double precision.
 *
 *   X = Q R          X [m, n], m ≥ n          Q [m, n], orthonormal columns          R [n, n], upper triangular
 */
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { LoranError } from '@loran/plugin';
import { QrDecomposition } from 'ml-matrix';
import { toHost, toTensor } from './host-matrix.js';

export interface Qr {
  readonly Q: Tensor2D; // [m, n]
  readonly R: Tensor2D; // [n, n]
}

/** The caller disposes both. Throws SHAPE_MISMATCH for a wide matrix, NON_FINITE. */
export async function qr(matrix: Tensor2D): Promise<Qr> {
  const [rows, columns] = matrix.shape;
  if (rows < columns) {
    throw new LoranError(
      'SHAPE_MISMATCH',
      `QR needs at least as many rows as columns; the matrix is [${rows}, ${columns}].`,
    );
  }
  const factors = new QrDecomposition(await toHost(matrix));
  return { Q: toTensor(factors.orthogonalMatrix, columns), R: toTensor(factors.upperTriangularMatrix) };
}
