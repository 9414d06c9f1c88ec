/**
 * LoRAN: a nonlinear low-rank update of a frozen weight (Li et al., Findings of EMNLP 2024, doi
 * 10.18653/v1/2024.findings-emnlp.177; Deng et al. 2025, arXiv 2509.21870).
 *
 *   ΔW = (α/r)·f(B·A)          f elementwise on the whole product, scaled after f
 *   y  = W x + ΔW dropout(x)
 *
 *   W [out, in]  frozen          A [r, in]  Kaiming uniform          B [out, r]  zeros, so ΔW starts at 0 where f(0) = 0
 *
 * LoRA multiplies x by A and then by B; f needs the product, so ΔW is formed whole. Without dropout it is added to W first:
 * one [out, in] addition instead of a second product over all tokens. All of it is fp32: with the published constants
 * Sinter changes ΔW by 5e-5 of its size, which no 16-bit type can hold.
 *
 * The authors' code also has square projections P and biases b after f, which their published runs switch off; they are
 * not here. Theirs needs out = in without them; this has no such limit.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Variable } from '@tensorflow/tfjs-core';
import { resolveActivation } from '@loran/activations';
import { lowRankFactors, type AdapterMethod, type Call } from '@loran/adapter';
import { after, linear } from '@loran/tensor';
import { loranConfig, type LoranConfig } from './loran-config.js';
import { activationKey, peftFormat } from './peft-format.js';
import { version } from './version.js';

export const loran: AdapterMethod<LoranConfig> = {
  kind: 'adapter-method',
  name: 'loran',
  package: '@loran/loran',
  version,
  config: loranConfig,
  formats: [peftFormat],

  create(frozen, config, context) {
    const { rank, alpha, dropout, activation } = config;
    const resolved = resolveActivation(activation, (name) => context.resolve('activation', name));
    const isLinear = frozen.kind === 'linear';
    const factors = lowRankFactors(frozen, config, context);
    const { A, B } = factors;
    const f = resolved.instantiate();

    const update = (scale: Call['scale'] = 1, from?: Tensor2D): Tensor2D =>
      tf.tidy(() => {
        const shaped = f.apply(factors.product(from)); // [rows, columns]
        return typeof scale === 'number'
          ? tf.mul(shaped, (alpha / rank) * scale)
          : tf.mul(tf.mul(shaped, alpha / rank), scale);
      });

    return {
      parameters: new Map<string, Variable>([
        [isLinear ? 'A' : 'embeddingA', A],
        [isLinear ? 'B' : 'embeddingB', B],
        ...[...f.parameters].map(([name, parameter]) => [activationKey(name), parameter] as const),
      ]),
      // A after x: a lazy engine would otherwise form the updates of all layers before the first one is used.
      forward: (x, next, { training, scale, drop }) =>
        isLinear && training && dropout > 0
          ? tf.add(next(x), linear(drop(x, dropout), update(scale, after(A, x))))
          : next(x, update(scale, after(A, x))),
      delta: () => ({ weight: update() }),
      dispose: () => {
        factors.dispose();
        f.dispose();
      },
    };
  },
};
