/** What a merge cost in exactness, module by module: nothing in fp32, a rounding error in every smaller storage. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';

/** Of one merged weight W' = W + ΔW, stored as S. All 0 where it is kept in fp32. */
export interface RoundingError {
  /** max |W' − S| */
  readonly largest: number;
  /** ‖W' − S‖ / ‖W'‖, Frobenius norms. */
  readonly relative: number;
  /** ‖W' − S‖ / ‖ΔW‖: at 1 rounding moves the weight as far as the training did. Infinite where ΔW is 0 and S is not W'. */
  readonly ofUpdate: number;
}

export interface MergeReport {
  /** Path of each merged module -> its error, in the model's order. */
  readonly modules: ReadonlyMap<string, RoundingError>;
  /** The worst of all modules, figure by figure. */
  readonly worst: RoundingError;
}

export const noRounding: RoundingError = { largest: 0, relative: 0, ofUpdate: 0 };

export function mergeReport(modules: ReadonlyMap<string, RoundingError>): MergeReport {
  const errors = [...modules.values()];
  const worst = (figure: keyof RoundingError) => Math.max(0, ...errors.map((error) => error[figure]));
  return { modules, worst: { largest: worst('largest'), relative: worst('relative'), ofUpdate: worst('ofUpdate') } };
}

/** The error of `stored` in place of `merged`, which is `base` and an update; all [rows, columns]. */
export async function roundingError(merged: Tensor2D, stored: Tensor2D, base: Tensor2D): Promise<RoundingError> {
  const figures = tf.tidy(() => {
    const error = tf.sub(merged, stored);
    return tf.stack([tf.max(tf.abs(error)), tf.norm(error), tf.norm(merged), tf.norm(tf.sub(merged, base))]);
  });
  const [largest = Number.NaN, error = Number.NaN, weight = Number.NaN, update = Number.NaN] =
    await figures.data<'float32'>();
  figures.dispose();
  const share = (of: number): number => (error === 0 ? 0 : error / of);
  return { largest, relative: share(weight), ofUpdate: share(update) };
}
