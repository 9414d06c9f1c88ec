/**
 * The two trained factors of a low-rank update, as PEFT shapes and starts them.
 *
 *   linear     A [rank, in]          Kaiming uniform or normal    B [out, rank]     zeros     product B·A    [out, in]
 *   embedding  A [rank, vocabulary]  zeros                        B [width, rank]   normal    product (B·A)ᵀ [vocabulary, width]
 *
 * One of them starts at zero, so the product does. The embedding's factors are those of the transposed weight, which is how
 * PEFT's files have them: a lookup reads columns of A.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Rank, Tensor2D, Variable } from '@tensorflow/tfjs-core';
import { LoranError } from '@loran/plugin';
import { variable } from '@loran/tensor';
import type { Context } from './contract/adapter-method.js';
import type { FrozenWeight } from './contract/frozen-weight.js';

export interface LowRankFactors {
  readonly A: Variable<Rank.R2>;
  readonly B: Variable<Rank.R2>;
  /** The product in the frozen weight's layout [rows, columns]. `from` stands in for A: see `after`. */
  product(from?: Tensor2D): Tensor2D;
  dispose(): void;
}

export interface LowRankOptions {
  readonly rank: number;
  /** Values that A of a linear weight starts from: uniform in ±1/√in, or normal with deviation 1/rank. */
  readonly init: 'kaiming' | 'gaussian';
}

/**
 * Throws INVALID_RANK, with the layer's path, for a rank that is no whole number from 1 to min(rows, columns); files may hold
 * higher ones.
 */
export function lowRankFactors(
  frozen: Pick<FrozenWeight, 'kind' | 'rows' | 'columns'>,
  { rank, init }: LowRankOptions,
  { path, random, initialise = true }: Pick<Context, 'path' | 'random'> & Partial<Pick<Context, 'initialise'>>,
): LowRankFactors {
  const { kind, rows, columns } = frozen;
  const most = initialise ? Math.min(rows, columns) : Infinity;
  if (!Number.isInteger(rank) || rank < 1 || rank > most) {
    throw new LoranError(
      'INVALID_RANK',
      `The rank for '${path}' is ${rank}; its weight is [${rows}, ${columns}], so it must be a whole number from 1 to ${most}. ` +
        'Lower the rank or leave this module out of the target modules.',
    );
  }
  if (kind === 'embedding') {
    const A = variable(tf.zeros<Rank.R2>([rank, rows]));
    const B = variable(random.derive('B').normal([columns, rank], 0, 1) as Tensor2D);
    return { A, B, product: (from = A) => tf.matMul(from, B, true, true), dispose: () => disposeBoth(A, B) };
  }
  const [shape, bound] = [[rank, columns], 1 / Math.sqrt(columns)];
  const stream = random.derive('A');
  const A = variable(
    (init === 'kaiming' ? stream.uniform(shape, -bound, bound) : stream.normal(shape, 0, 1 / rank)) as Tensor2D,
  );
  const B = variable(tf.zeros<Rank.R2>([rows, rank]));
  return { A, B, product: (from = A) => tf.matMul(B, from), dispose: () => disposeBoth(A, B) };
}

function disposeBoth(A: Variable, B: Variable): void {
  A.dispose();
  B.dispose();
}
