/**
 * DoRA: the length of each row of the weight is trained apart from its direction (Liu et al., ICML 2024, arXiv 2402.09353).
 *
 *   V  = W + ΔW                    ΔW = s·B·A
 *   W' = m/‖V‖ ∘ V                 m [out] starts at ‖W‖, so W' starts at W; norms are of rows, on an embedding of columns
 *   y  = W x + (m/‖V‖ − 1) ∘ W x' + m/‖V‖ ∘ ΔW x'          x' = dropout(x), as PEFT has it
 *
 * ‖V‖ follows the factors but gets no gradient (§4.3 of the paper): half the memory for the backward pass, by the paper's count.
 * For a linear weight it needs no product B·A:
 *
 *   ‖V‖² = ‖W‖² + 2s·(W Aᵀ) ∘ B + s²·(B A Aᵀ) ∘ B, summed along the rank;          W Aᵀ as the storage multiplies
 *
 * What is added to W x is scaled at run time and summed with other adapters, as a merge does.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D, Tensor2D, Variable } from '@tensorflow/tfjs-core';
import type { AdapterLayer, Call, FrozenWeight } from '@loran/adapter';
import { after, variable } from '@loran/tensor';
import type { LowRankUpdate } from './low-rank-update.js';

export interface Magnitude {
  readonly parameter: Variable; // [out]; embedding [width]
  readonly forward: AdapterLayer['forward'];
  /** W' − W. */
  delta(): Tensor2D; // [rows, columns]
  dispose(): void;
}

export function magnitude(frozen: FrozenWeight, update: LowRankUpdate): Magnitude {
  const isLinear = frozen.kind === 'linear';
  const squares = tf.tidy(() => tf.sum<Tensor1D>(tf.square(frozen.weight()), isLinear ? 1 : 0)); // ‖W‖²
  const { A, B } = update;

  const lengths = (A: Tensor2D, B: Tensor2D): Tensor1D => {
    if (!isLinear) return tf.norm(tf.add(frozen.weight(), update.product(A, B)), 2, 0) as Tensor1D;
    return tf.sqrt(tf.maximum<Tensor1D>(tf.add(squares, update.lengthening(frozen, A, B)), 1e-24));
  };
  const parameter = variable(tf.tidy(() => lengths(A, B)));

  /** m/‖V‖, no earlier than x. */
  const ratio = (x: Tensor): Tensor1D =>
    tf.div(
      parameter,
      withoutGradient((A, B) => lengths(after(A as Tensor2D, x), B as Tensor2D), A, B),
    );

  const forward: AdapterLayer['forward'] = (x, next, { scale, drop, base }) => {
    const dropped = isLinear ? drop(x, update.dropout) : x;
    const low = update.trained(dropped); // s·BA x'
    const first = update.subtracted(dropped); // s·B₀A₀ x'
    const plain = minus(withoutBias(base(dropped), frozen.bias), first);
    const share = ratio(x);
    const turned = tf.add(tf.mul(tf.sub(share, 1), plain), tf.mul(share, low));
    return tf.add(next(x), scaled(minus(turned, update.subtracted(x)), scale));
  };

  return {
    parameter,
    forward,
    delta: () =>
      tf.tidy(() => {
        const weight = frozen.weight();
        const share = tf.div(parameter, lengths(A, B));
        const turned = tf.mul(tf.add(weight, update.product(A, B)), isLinear ? tf.expandDims(share, 1) : share);
        return tf.sub<Tensor2D>(turned, weight);
      }),
    dispose: () => tf.dispose([squares, parameter]),
  };
}

function withoutGradient(compute: (A: Tensor, B: Tensor) => Tensor, A: Tensor, B: Tensor): Tensor {
  const constant = tf.customGrad((...inputs: (Tensor | tf.GradSaveFunc)[]) => {
    const [A, B] = inputs as [Tensor, Tensor];
    return {
      value: tf.tidy(() => compute(A, B)),
      gradFunc: () => [tf.zeros(A.shape), tf.zeros(B.shape)],
    };
  });
  return constant(A, B);
}

const minus = (x: Tensor, y: Tensor | undefined): Tensor => (y === undefined ? x : tf.sub(x, y));

const withoutBias = (y: Tensor, bias: Tensor1D | null): Tensor => (bias === null ? y : tf.sub(y, bias));

const scaled = (x: Tensor, scale: Call['scale']): Tensor => (scale === 1 ? x : tf.mul(x, scale));
