/**
 * LoRAN as its authors compute it, for comparison only: y = W x + (α/r)·dropout(x) f(B·A)ᵀ in two products, always, by plain
 * autodiff that keeps whatever it meets. f is Sinter with the published constants.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Variable } from '@tensorflow/tfjs-core';
import { lowRankFactors, type AdapterMethod } from '@loran/adapter';
import { loran, type LoranConfig } from '@loran/loran';
import { linear } from '@loran/tensor';

export const keptLoran: AdapterMethod<LoranConfig> = {
  kind: 'adapter-method',
  name: 'kept-loran',
  package: null,
  version: null,
  config: loran.config,
  create(frozen, { rank, alpha, dropout }, context) {
    const factors = lowRankFactors(frozen, { rank, init: 'kaiming' }, context);
    const shaped = (): Tensor2D => {
      const z = factors.product(); // [out, in]
      return tf.add(tf.mul(tf.mul(z, 5e-5), tf.sin(tf.mul(z, 1e4))), z);
    };
    return {
      parameters: new Map<string, Variable>([
        ['A', factors.A],
        ['B', factors.B],
      ]),
      forward: (x, next, { drop }) => tf.add(next(x), tf.mul(linear(drop(x, dropout), shaped()), alpha / rank)),
      delta: () => ({ weight: tf.tidy(() => tf.mul(shaped(), alpha / rank)) }),
      dispose: () => factors.dispose(),
    };
  },
  formats: [],
};
