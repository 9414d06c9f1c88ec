/** The Frobenius norm √Σx², summed in double precision: squares of small updates leave the range of fp32. */
import type { Tensor } from '@tensorflow/tfjs-core';

export async function frobeniusNorm(tensor: Tensor): Promise<number> {
  return norm(await tensor.data<'float32'>());
}

/** The same of values that are at hand; NaN or infinite where one of them is. */
export function norm(values: Float32Array): number {
  let squares = 0;
  for (const value of values) squares += value * value;
  return Math.sqrt(squares);
}
