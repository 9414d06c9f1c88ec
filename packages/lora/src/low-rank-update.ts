/**
 * The product of two trained factors, and of the two that are subtracted where the update did not start at 0 (see start.ts).
 *
 *   ΔW = s·(B·A − B₀·A₀)          A [r, in]   B [out, r]          embedding: A [r, vocabulary]   B [width, r], ΔW transposed
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Rank, Tensor, Tensor2D, Variable } from '@tensorflow/tfjs-core';
import { lowRankFactors, type Context, type FrozenWeight } from '@loran/adapter';
import { linear } from '@loran/tensor';
import { dropStart, type Factors, isSubtracted, startOf } from './initial/start.js';
import type { LoraConfig } from './lora-config.js';
import { moduleScaling } from './module-scaling.js';

export interface LowRankUpdate {
  readonly A: Variable<Rank.R2>;
  readonly B: Variable<Rank.R2>;
  readonly scaling: number;
  readonly dropout: number;
  /** Whether B₀A₀ is subtracted. */
  readonly first: Factors | undefined;
  /** s·BA x, or of the rows at ids. */
  trained(x: Tensor): Tensor;
  /** s·B₀A₀ x; undefined where nothing is subtracted. */
  subtracted(x: Tensor): Tensor | undefined;
  /** ΔW [rows, columns] for these values of A and B. */
  product(A: Tensor2D, B: Tensor2D): Tensor2D;
  /** ‖W + ΔW‖² − ‖W‖² of each row [out] of a linear weight; see dora.ts. */
  lengthening(frozen: FrozenWeight, A: Tensor2D, B: Tensor2D): Tensor;
  /** The same update as one product of two factors, rank 2r where something is subtracted; the caller disposes them. */
  joined(): Factors;
  dispose(): void;
}

export function lowRankUpdate(frozen: FrozenWeight, config: LoraConfig, context: Context): LowRankUpdate {
  const { rank, scaling } = moduleScaling(config, context.path);
  const init = config.init === 'gaussian' ? 'gaussian' : 'kaiming';
  const factors = lowRankFactors(frozen, { rank, init }, context);
  const { A, B } = factors;
  const isLinear = frozen.kind === 'linear';
  const start = startOf(context);
  if (start.A !== undefined) A.assign(start.A as typeof A);
  if (start.B !== undefined) B.assign(start.B as typeof B);
  const first =
    isSubtracted(config.init) && start.A !== undefined && start.B !== undefined ? (start as Factors) : undefined;
  if (first === undefined) dropStart(context);

  const through = (x: Tensor, A: Tensor2D, B: Tensor2D): Tensor => {
    const inner = isLinear ? linear(x, A) : tf.gather(tf.transpose(A), tf.cast(x, 'int32')); // [..., rank]
    return linear(tf.mul(inner, scaling), B);
  };
  const join = (A: Tensor2D, B: Tensor2D): Factors => {
    if (!isSubtracted(config.init)) return { A, B };
    // an embedding has nothing to subtract, but the rank of the others
    const [A0, B0] = first === undefined ? [tf.zerosLike(A), tf.zerosLike(B)] : [first.A, first.B];
    return { A: tf.concat2d([A, A0], 0), B: tf.concat2d([B, tf.neg(B0)], 1) };
  };
  return {
    A,
    B,
    scaling,
    dropout: config.dropout,
    first,
    trained: (x) => through(x, A, B),
    subtracted: (x) => (first === undefined ? undefined : through(x, first.A, first.B)),
    product: (A, B) =>
      tf.tidy(() => {
        const own = isLinear ? tf.matMul<Tensor2D>(B, A) : tf.matMul<Tensor2D>(A, B, true, true); // [rows, columns]
        return tf.mul<Tensor2D>(first === undefined ? own : tf.sub(own, tf.matMul(first.B, first.A)), scaling);
      }),
    lengthening: (frozen, ownA, ownB) =>
      tf.tidy(() => {
        const { A, B } = join(ownA, ownB);
        const bias = frozen.bias;
        const products = tf.transpose(bias === null ? frozen.apply(A) : tf.sub(frozen.apply(A), bias)); // W Aᵀ [out, rank]
        const own = tf.matMul<Tensor2D>(B, tf.matMul<Tensor2D>(A, A, false, true)); // B A Aᵀ [out, rank]
        return tf.sum(tf.mul(tf.add(tf.mul(products, 2 * scaling), tf.mul(own, scaling ** 2)), B), 1);
      }),
    joined: () =>
      tf.tidy(() => {
        const { A: joinedA, B: joinedB } = join(A, B);
        return joinedA === A ? { A: tf.clone<Tensor2D>(A), B: tf.clone<Tensor2D>(B) } : { A: joinedA, B: joinedB };
      }),
    dispose: () => factors.dispose(),
  };
}
