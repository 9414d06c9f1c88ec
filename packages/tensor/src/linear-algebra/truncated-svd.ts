/**
 * The leading singular directions of a matrix: exact where it is small, by a randomised range finder where it is large.
 *
 *   X ≈ U diag(S) Vᵀ          X [m, n]          U [m, r]   S [r], descending   V [n, r]
 *
 *   Y₀ = X Ω             Ω [n, r + p], normal
 *   Yᵢ = X orth(Xᵀ orth(Yᵢ₋₁))                q times: sharpens slowly falling spectra
 *   Q  = orth(Y_q);   Qᵀ X = Û diag(S) Vᵀ;   U = Q Û
 *
 * Source: Halko, Martinsson, Tropp 2011 (SIAM Review 53(2), arXiv 0909.4061), algorithms 4.4 and 5.1. The products with X run on the
 * engine in fp32, what is thin on the host in double precision.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { LoranError } from '@loran/plugin';
import { randomStream, type RandomStream } from '../random/random-stream.js';
import { toHost } from './host-matrix.js';
import { qr } from './qr.js';
import { hostSvd, type Svd } from './svd.js';

export interface TruncatedSvdOptions {
  /** Up to this min(m, n) the decomposition is exact; default 256. Infinity: always. */
  readonly exactUpTo?: number;
  /** Directions looked for beyond the rank; default 10. */
  readonly oversampling?: number;
  /** Power iterations; default 4. */
  readonly iterations?: number;
  /** Numbers of the range finder; default a fixed stream, so that the result repeats. */
  readonly random?: RandomStream;
}

/**
 * The caller disposes U and V. Signs of the directions are arbitrary.
 *
 * Throws INVALID_RANK for a rank that is no whole number from 1 to min(m, n), NON_FINITE.
 */
export async function truncatedSvd(matrix: Tensor2D, rank: number, options: TruncatedSvdOptions = {}): Promise<Svd> {
  const { exactUpTo = 256, oversampling = 10, iterations = 4, random = randomStream(0).derive('svd') } = options;
  const [rows, columns] = matrix.shape;
  const most = Math.min(rows, columns);
  if (!Number.isInteger(rank) || rank < 1 || rank > most) {
    throw new LoranError(
      'INVALID_RANK',
      `A matrix [${rows}, ${columns}] has no ${String(rank)} leading directions; ask for a whole number from 1 to ${most}.`,
    );
  }
  const width = rank + oversampling;
  if (most <= exactUpTo || width >= most) return hostSvd(await toHost(matrix), rank);

  let basis = await orthonormal(
    tf.tidy(() => tf.matMul<Tensor2D>(matrix, random.normal([columns, width], 0, 1) as Tensor2D)),
  ); // [m, width]
  for (let i = 0; i < iterations; i++) {
    const across = await orthonormal(product(matrix, basis, true)); // [n, width]
    basis.dispose();
    basis = await orthonormal(product(matrix, across, false));
    across.dispose();
  }
  const core = product(basis, matrix, true); // [width, n]
  const { U: inner, S, V } = hostSvd(await toHost(core), rank);
  const U = tf.matMul<Tensor2D>(basis, inner); // [m, r]
  tf.dispose([core, inner, basis]);
  return { U, S, V };
}

const product = (a: Tensor2D, b: Tensor2D, transposeA: boolean): Tensor2D => tf.matMul<Tensor2D>(a, b, transposeA);

/** An orthonormal basis of the columns' span; disposes its argument. */
async function orthonormal(matrix: Tensor2D): Promise<Tensor2D> {
  const { Q, R } = await qr(matrix).finally(() => matrix.dispose());
  R.dispose();
  return Q;
}
