/**
 * The best approximation of a matrix by a product of two factors: the leading part of its singular value decomposition.
 *
 *   X ≈ B·A          B = U √S [rows, r]          A = √S Vᵀ [r, columns]
 *
 * Eckart & Young 1936: no product of that rank is nearer in the Frobenius norm. Each factor takes the root of the singular values, so
 * that neither leaves the range of 16-bit files and both can be trained further at one rate. The error is measured on the factors as
 * they are written.
 */
import { type Svd, truncatedSvd } from '@loran/tensor';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { frobeniusNorm } from './frobenius-norm.js';

export interface RankChoice {
  /** The rank, at most the smaller side; with `energy` the most it may be. */
  readonly rank?: number | undefined;
  /** Share of ‖X‖² to keep, in (0, 1]: the smallest rank that does. */
  readonly energy?: number | undefined;
  /** Up to this smaller side the decomposition is exact; default 256. */
  readonly exactUpTo?: number | undefined;
}

export interface LeadingPart {
  readonly A: Float32Array; // [rank, columns]
  readonly B: Float32Array; // [rows, rank]
  readonly rank: number;
  /** ‖X‖ and ‖X − B·A‖. */
  readonly norm: number;
  readonly distance: number;
}

/** At least rank 1, of a matrix of zeros too. The matrix must be finite. */
export async function leadingPart(matrix: Tensor2D, choice: RankChoice): Promise<LeadingPart> {
  const norm = await frobeniusNorm(matrix);
  const { U, S, V, rank } = await decomposed(matrix, norm, choice);
  const [A, B, rest] = tf.tidy((): [Tensor2D, Tensor2D, Tensor2D] => {
    const roots = tf.tensor1d(Float32Array.from(S.subarray(0, rank), Math.sqrt));
    const leading = (vectors: Tensor2D) => tf.mul<Tensor2D>(tf.slice(vectors, [0, 0], [vectors.shape[0], rank]), roots);
    const A = tf.transpose(leading(V)); // [rank, columns]
    const B = leading(U); // [rows, rank]
    return [A, B, tf.sub(matrix, tf.matMul(B, A))];
  });
  const [valuesA, valuesB] = await Promise.all([A.data<'float32'>(), B.data<'float32'>()]);
  const distance = await frobeniusNorm(rest);
  tf.dispose([U, V, A, B, rest]);
  return { A: valuesA, B: valuesB, rank, norm, distance };
}

/** As many directions as the choice needs: with `energy` twice as many at a time, until they hold it. */
async function decomposed(
  matrix: Tensor2D,
  norm: number,
  { rank, energy, exactUpTo = 256 }: RankChoice,
): Promise<Svd & { readonly rank: number }> {
  const options = { exactUpTo };
  const side = Math.min(...matrix.shape);
  const most = Math.min(side, rank ?? side);
  if (energy === undefined) return { ...(await truncatedSvd(matrix, most, options)), rank: most };
  for (let count = side <= exactUpTo ? most : Math.min(most, 32); ; count = Math.min(most, 2 * count)) {
    const found = await truncatedSvd(matrix, count, options);
    const needed = rankHolding(energy * norm ** 2, found.S);
    if (needed !== undefined || count === most) return { ...found, rank: needed ?? most };
    tf.dispose([found.U, found.V]);
  }
}

/** The fewest leading values whose squares sum up to that; `undefined` where all of them do not. */
function rankHolding(squares: number, values: Float64Array): number | undefined {
  let sum = 0;
  for (const [i, value] of values.entries()) {
    sum += value ** 2;
    if (sum >= squares) return i + 1;
  }
  return undefined;
}
