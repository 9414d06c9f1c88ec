/**
 * The singular values of a matrix and what they say of its rank.
 *
 *   stable rank     ‖X‖² / σ₁²                                    (norms without index are Frobenius')
 *   effective rank  exp(−Σ pᵢ ln pᵢ), pᵢ = σᵢ / Σσ                 Roy & Vetterli 2007, EUSIPCO
 *   error at rank r ‖X − Xᵣ‖ / ‖X‖, Xᵣ the best approximation of rank r; its square is the share of energy beyond r
 *
 * Small matrices are decomposed whole. Of large ones the leading values are found by a randomised method, and what lies beyond is
 * measured, not estimated: the norm of the rest itself, which is right where the difference of two norms would have cancelled.
 */
import { singularValues, truncatedSvd, type Svd } from '@loran/tensor';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { frobeniusNorm } from './frobenius-norm.js';

export interface SpectrumOptions {
  /** Singular values to find of a large matrix; default 64. */
  readonly values?: number;
  /** Up to this min(rows, columns) all are found; default 256. */
  readonly exactUpTo?: number;
}

export interface Spectrum {
  /** Frobenius. */
  readonly norm: number;
  /** Descending; the leading ones where `complete` is false. */
  readonly singularValues: readonly number[];
  readonly complete: boolean;
  /** 0 of a matrix of zeros, as is the effective rank. */
  readonly stableRank: number;
  /** Where `complete` is false the values that were not found count as equal ones of their norm: at most so much. */
  readonly effectiveRank: number;
  readonly beyondRank: BeyondRank;
}

export interface BeyondRank {
  readonly rank: number;
  /** Relative error of the best approximation of that rank. */
  readonly error: number;
  /** Its square: the share of ‖X‖² that no matrix of that rank can have. */
  readonly energy: number;
}

/** `rank`: the one to look beyond, from 1 to min(rows, columns). The matrix must be finite. */
export async function spectrumOf(matrix: Tensor2D, rank: number, options: SpectrumOptions = {}): Promise<Spectrum> {
  const { values = 64, exactUpTo = 256 } = options;
  const most = Math.min(...matrix.shape);
  const norm = await frobeniusNorm(matrix);
  if (norm === 0) {
    const beyondRank = { rank, error: 0, energy: 0 };
    const none = Array.from({ length: Math.min(most, values) }, () => 0);
    return { norm, singularValues: none, complete: true, stableRank: 0, effectiveRank: 0, beyondRank };
  }
  const count = Math.max(values, rank);
  const complete = most <= Math.max(exactUpTo, count);
  const found = complete
    ? await wholeSpectrum(matrix, rank)
    : await leadingSpectrum(matrix, rank, { count, exactUpTo });
  const error = found.restAtRank / norm;
  return {
    norm,
    singularValues: found.values,
    complete,
    stableRank: (norm / found.values[0]!) ** 2,
    effectiveRank: effectiveRank(found.values, found.rest, most - found.values.length),
    beyondRank: { rank, error, energy: error ** 2 },
  };
}

interface Found {
  readonly values: number[];
  /** Norm of what the values leave out. */
  readonly rest: number;
  /** Norm of what lies beyond the rank asked about. */
  readonly restAtRank: number;
}

async function wholeSpectrum(matrix: Tensor2D, rank: number): Promise<Found> {
  const values = [...(await singularValues(matrix))];
  return { values, rest: 0, restAtRank: Math.hypot(...values.slice(rank)) };
}

async function leadingSpectrum(
  matrix: Tensor2D,
  rank: number,
  { count, exactUpTo }: { readonly count: number; readonly exactUpTo: number },
): Promise<Found> {
  const decomposed = await truncatedSvd(matrix, count, { exactUpTo });
  const rest = await restNorm(matrix, decomposed, count);
  const restAtRank = rank === count ? rest : await restNorm(matrix, decomposed, rank);
  tf.dispose([decomposed.U, decomposed.V]);
  return { values: [...decomposed.S], rest, restAtRank };
}

/** ‖X − Xᵣ‖, of the difference itself. */
async function restNorm(matrix: Tensor2D, { U, S, V }: Svd, rank: number): Promise<number> {
  const rest = tf.tidy(() => {
    const [m, n] = matrix.shape;
    const scaled = tf.mul<Tensor2D>(
      tf.slice(U, [0, 0], [m, rank]),
      tf.tensor1d(Float32Array.from(S.subarray(0, rank))),
    );
    return tf.sub<Tensor2D>(matrix, tf.matMul(scaled, tf.slice(V, [0, 0], [n, rank]), false, true)); // [m, n]
  });
  return frobeniusNorm(rest).finally(() => rest.dispose());
}

/** Of the values found and `missing` equal ones of that norm. */
function effectiveRank(values: readonly number[], rest: number, missing: number): number {
  const each = missing > 0 ? rest / Math.sqrt(missing) : 0;
  const sum = values.reduce((total, value) => total + value, missing * each);
  const entropy = (value: number) => (value > 0 ? -(value / sum) * Math.log(value / sum) : 0);
  return Math.exp(values.reduce((total, value) => total + entropy(value), missing * entropy(each)));
}
