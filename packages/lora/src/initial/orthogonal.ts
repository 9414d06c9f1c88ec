/**
 * Orthogonal start: neither factor is 0, yet their product is (datta0.github.io/posts/rethink-lora-init, as PEFT has it).
 *
 *   Q [r, r], orthogonal          A = Qₒᵀ Gᴬ / 10 [r, in]          B = Gᴮ Qₑ / 10 [out, r]          B·A = Gᴮ Qₑ Qₒᵀ Gᴬ / 100 = 0
 *
 *   Qₒ, Qₑ [r/2, r]: every other row of Q, from the first and from the second          Gᴬ [r/2, in], Gᴮ [out, r/2]: normal
 *
 * But for rounding: B·A is about 1e-9.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { FrozenWeight } from '@loran/adapter';
import { qr, type RandomStream } from '@loran/tensor';
import type { Factors } from './start.js';

export async function orthogonal(
  { rows, columns }: Pick<FrozenWeight, 'rows' | 'columns'>,
  rank: number,
  random: RandomStream,
): Promise<Factors> {
  const normal = (name: string, shape: [number, number]) => random.derive(name).normal(shape, 0, 1) as Tensor2D;
  const square = normal('Q', [rank, rank]);
  const { Q, R } = await qr(square);
  const factors = tf.tidy(() => {
    const rowsFrom = (first: 0 | 1) => tf.stridedSlice(Q, [first, 0], [rank, rank], [2, 1]) as Tensor2D; // [r/2, r]
    return {
      A: tf.mul<Tensor2D>(tf.matMul(rowsFrom(0), normal('A', [rank / 2, columns]), true), 0.1),
      B: tf.mul<Tensor2D>(tf.matMul(normal('B', [rows, rank / 2]), rowsFrom(1)), 0.1),
    };
  });
  tf.dispose([square, Q, R]);
  return factors;
}
