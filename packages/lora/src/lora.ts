/**
 * LoRA: a low-rank update of a frozen weight (Hu et al., ICLR 2022, arXiv 2106.09685).
 *
 *   ΔW = s·B·A          s = α/r, or α/√r with rsLoRA (Kalajdzievski 2023, arXiv 2312.03732)
 *   y  = W x + s·B(A dropout(x))
 *
 *   W [out, in]  frozen          A [r, in]  Kaiming uniform or normal          B [out, r]  zeros, so ΔW starts at 0
 *
 * On an embedding the update of row i is s·B·A[:, i] (see lowRankFactors); as in PEFT there is no dropout, ids have none.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor, Tensor2D, Variable } from '@tensorflow/tfjs-core';
import {
  lowRankFactors,
  pathPattern,
  patternValue,
  recomputed,
  updateProduct,
  type AdapterLayer,
  type AdapterMethod,
  type Call,
  type FactoredFacts,
} from '@loran/adapter';
import { linear } from '@loran/tensor';
import { loraConfig, type LoraConfig, type LoraOptions } from './lora-config.js';
import { peftFormat } from './peft-format.js';
import { version } from './version.js';

export const lora: AdapterMethod<LoraConfig> = {
  kind: 'adapter-method',
  name: 'lora',
  package: '@loran/lora',
  version,
  config: loraConfig,
  formats: [peftFormat],
  factoredConfig,

  create(frozen, config, context) {
    const { dropout, rsLora, form } = config;
    const rank = patternValue(config.rankPattern, context.path) ?? config.rank;
    const alpha = patternValue(config.alphaPattern, context.path) ?? config.alpha;
    const isLinear = frozen.kind === 'linear';
    const factors = lowRankFactors(frozen, { rank, init: config.init }, context);
    const { A, B } = factors;
    const scaling = alpha / (rsLora ? Math.sqrt(rank) : rank);

    const formed = (from: Tensor2D, scale: Call['scale'] = 1) =>
      tf.tidy(() => scaled(factors.product(from), scaling, scale)); // [rows, columns]

    /** ΔW, no earlier than x, and formed again in the backward pass. */
    const update = (x: Tensor, scale: Call['scale']): Tensor2D =>
      typeof scale === 'number'
        ? recomputed({ inputs: [A, B], form: (A) => formed(A as Tensor2D, scale) }, x)
        : recomputed({ inputs: [A, scale, B], form: (A, scale) => formed(A as Tensor2D, scale as Scalar) }, x);

    const factored: AdapterLayer['forward'] = (x, next, { scale, drop }) => {
      const inner = isLinear ? linear(drop(x, dropout), A) : tf.gather(tf.transpose(A), tf.cast(x, 'int32')); // [..., rank]
      return tf.add(next(x), linear(scaled(inner, scaling, scale), B));
    };

    const weightSpace: AdapterLayer['forward'] = (x, next, { training, scale, drop }) =>
      isLinear && training && dropout > 0
        ? tf.add(next(x), updateProduct(drop(x, dropout), update(x, scale)))
        : next(x, update(x, scale));

    return {
      parameters: new Map<string, Variable>([
        [isLinear ? 'A' : 'embeddingA', A],
        [isLinear ? 'B' : 'embeddingB', B],
      ]),
      forward: form === 'factored' ? factored : weightSpace,
      delta: () => ({ weight: formed(A) }),
      factored: () => ({ A, B, scaling }),
      dispose: () => factors.dispose(),
    };
  },
};

/** Ranks of single modules come with alphas of their own, so that the scaling alpha / rank is the same everywhere. */
function factoredConfig({ rank, scaling, dropout, ranks }: FactoredFacts): LoraOptions {
  const entries = [...ranks].map(([path, own]) => [pathPattern(path), own] as const);
  return {
    rank,
    alpha: scaling * rank,
    dropout,
    rankPattern: Object.fromEntries(entries),
    alphaPattern: Object.fromEntries(entries.map(([pattern, own]) => [pattern, scaling * own])),
  };
}

function scaled<T extends Tensor>(x: T, scaling: number, scale: Call['scale']): T {
  return typeof scale === 'number' ? tf.mul(x, scaling * scale) : tf.mul(tf.mul(x, scaling), scale);
}
