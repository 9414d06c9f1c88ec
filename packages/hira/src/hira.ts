/**
 * HiRA: Hadamard high-rank adaptation (Huang et al., ICLR 2025, openreview TwJrTz9cRS).
 *
 *   ΔW = W ∘ (B·A)          elementwise: its rank can reach rank(W) · r
 *   y  = W x + (W ∘ B·A) dropout(x)
 *
 *   W [out, in]  frozen          A [r, in]  Kaiming uniform or normal          B [out, r]  zeros, so ΔW starts at 0
 *
 * W is the frozen weight as its storage has it, dequantised where it must be; the backward pass does that again and keeps neither W
 * nor ΔW. On an embedding ΔW = W ∘ (B·A)ᵀ (see lowRankFactors), without dropout. There is no scaling, as in PEFT.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D, Variable } from '@tensorflow/tfjs-core';
import { lowRankFactors, recomputedUpdate, updateProduct, type AdapterMethod, type Call } from '@loran/adapter';
import { hiraConfig, type HiraConfig } from './hira-config.js';
import { peftFormat } from './peft-format.js';
import { version } from './version.js';

export const hira: AdapterMethod<HiraConfig> = {
  kind: 'adapter-method',
  name: 'hira',
  package: '@loran/hira',
  version,
  config: hiraConfig,
  formats: [peftFormat],

  create(frozen, { rank, init, dropout }, context) {
    const isLinear = frozen.kind === 'linear';
    const factors = lowRankFactors(frozen, { rank, init }, context);
    const { A, B } = factors;

    /** W ∘ B·A, with W decoded no earlier than `from`, which stands in for A. */
    const formed = (from: Tensor2D): Tensor2D => tf.tidy(() => tf.mul(frozen.weight(from), factors.product(from))); // [rows, columns]

    /** ΔW, no earlier than x, and formed again in the backward pass. */
    const update = (x: Tensor, scale: Call['scale']): Tensor2D =>
      recomputedUpdate({ variables: [A, B], scale, form: (from, scale) => tf.mul(formed(from), scale) }, x);

    return {
      parameters: new Map<string, Variable>([
        [isLinear ? 'A' : 'embeddingA', A],
        [isLinear ? 'B' : 'embeddingB', B],
      ]),
      forward: (x, next, { training, scale, drop }) =>
        isLinear && training && dropout > 0
          ? tf.add(next(x), updateProduct(drop(x, dropout), update(x, scale)))
          : next(x, update(x, scale)),
      delta: () => ({ weight: formed(A) }),
      dispose: () => factors.dispose(),
    };
  },
};
