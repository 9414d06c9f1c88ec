/**
 * The Hadamard product of two low-rank products, ΔW = (α/r)·(B₁A₁) ∘ (B₂A₂): of rank up to r², with the parameters of two updates of
 * rank r (the formula of FedPara, Hyeon-Woo et al., arXiv 2108.06098). B₁ starts at zero, so ΔW does.
 *
 *   A₁, A₂ [rank, in]   B₁, B₂ [out, rank]
 */
import * as tf from '@tensorflow/tfjs-core';
import { variable, z } from '@loran/adapter';
import { origin } from './origin.mjs';

const config = z.strictObject({
  rank: z.int().min(1).default(8),
  alpha: z.number().default(8),
});

/** @type {import('@loran/adapter').AdapterMethod<import('@loran/adapter').z.output<typeof config>>} */
export const hadamard = {
  kind: 'adapter-method',
  name: 'hadamard',
  ...origin,
  config,
  create({ rows, columns }, { rank, alpha }, { random }) {
    const normal = (name, shape) => variable(random.derive(name).normal(shape, 0, 1 / Math.sqrt(rank)));
    const parameters = new Map([
      ['A1', normal('A1', [rank, columns])],
      ['B1', variable(tf.zeros([rows, rank]))],
      ['A2', normal('A2', [rank, columns])],
      ['B2', normal('B2', [rows, rank])],
    ]);
    const product = (a, b) => tf.matMul(parameters.get(b), parameters.get(a)); // [out, in]
    const update = (scale) => tf.mul(tf.mul(product('A1', 'B1'), product('A2', 'B2')), tf.mul(alpha / rank, scale)); // [out, in]
    return {
      parameters,
      forward: (x, next, { scale }) => next(x, update(scale)),
      delta: () => ({ weight: tf.tidy(() => update(1)) }),
      dispose: () => tf.dispose([...parameters.values()]),
    };
  },
  formats: [
    {
      name: 'peft', // the layout of PEFT's folders; the type is our own, so `inPeft` is left out
      peftType: 'THIRD_PARTY_HADAMARD',
      suffixes: new Map(['A1', 'B1', 'A2', 'B2'].map((name) => [name, `hadamard_${name}`])),
      toFile: ({ rank, alpha }) => ({ r: rank, alpha }),
      fromFile: ({ r, alpha }) => ({ rank: r, alpha }),
    },
  ],
};
