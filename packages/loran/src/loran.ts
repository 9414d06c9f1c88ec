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
 * one [out, in] addition instead of a second product over all tokens. The backward pass forms ΔW again from A and B, so no
 * [out, in] array is kept for it. All of it is fp32: with the published constants Sinter changes ΔW by 5e-5 of its size,
 * which no 16-bit type can hold.
 *
 * The authors' code also has square projections P and biases b after f, which their published runs switch off; they are
 * not here. Theirs needs out = in without them; this has no such limit.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor, Tensor2D, Variable } from '@tensorflow/tfjs-core';
import { resolveActivation, type ActivationSpec } from '@loran/activations';
import { lowRankFactors, recomputed, updateProduct, type AdapterMethod, type Call, type Context } from '@loran/adapter';
import { LoranError } from '@loran/plugin';
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

  /** Refuses an activation that no gradient passes at 0, where every element of B·A starts: nothing would be trained. */
  async prepare(_layers, { activation }, context) {
    const f = resolve(activation, context).instantiate();
    const gradient = tf.tidy(() => tf.grad((z) => f.apply(z))(tf.scalar(0)));
    const [slope = Number.NaN] = await gradient.data<'float32'>();
    gradient.dispose();
    f.dispose();
    if (Number.isFinite(slope) && slope !== 0) return;
    throw new LoranError(
      'DEAD_ACTIVATION',
      `The activation '${nameOf(activation)}' has slope ${slope} at 0, where a LoRAN update starts, so no gradient would reach it. ` +
        'Choose an activation with a finite slope other than 0 there, or give it a derivative that has one.',
    );
  },

  create(frozen, config, context) {
    const { rank, alpha, dropout } = config;
    const resolved = resolve(config.activation, context);
    const isLinear = frozen.kind === 'linear';
    const factors = lowRankFactors(frozen, config, context);
    const { A, B } = factors;
    const f = resolved.instantiate();

    const formed = (from: Tensor2D, scale: Call['scale'] = 1): Tensor2D =>
      tf.tidy(() => {
        const shaped = f.apply(factors.product(from)); // [rows, columns]
        return typeof scale === 'number'
          ? tf.mul(shaped, (alpha / rank) * scale)
          : tf.mul(tf.mul(shaped, alpha / rank), scale);
      });

    /** ΔW, no earlier than x, and formed again in the backward pass. */
    const update = (x: Tensor, scale: Call['scale']): Tensor2D =>
      typeof scale === 'number'
        ? recomputed({ inputs: [A, B, ...f.parameters.values()], form: (A) => formed(A as Tensor2D, scale) }, x)
        : recomputed(
            {
              inputs: [A, scale, B, ...f.parameters.values()],
              form: (A, scale) => formed(A as Tensor2D, scale as Scalar),
            },
            x,
          );

    return {
      parameters: new Map<string, Variable>([
        [isLinear ? 'A' : 'embeddingA', A],
        [isLinear ? 'B' : 'embeddingB', B],
        ...[...f.parameters].map(([name, parameter]) => [activationKey(name), parameter] as const),
      ]),
      forward: (x, next, { training, scale, drop }) =>
        isLinear && training && dropout > 0
          ? tf.add(next(x), updateProduct(drop(x, dropout), update(x, scale)))
          : next(x, update(x, scale)),
      delta: () => ({ weight: formed(A) }),
      nonlinear: () => {
        const product = factors.product();
        const slope = tf.grad((z) => f.apply(z))(product) as Tensor2D; // f acts elementwise: the gradient of its sum
        return { product, slope, linear: tf.mul(product, alpha / rank) };
      },
      dispose: () => {
        factors.dispose();
        f.dispose();
      },
    };
  },
};

const resolve = (activation: ActivationSpec, context: Context) =>
  resolveActivation(activation, (name) => context.resolve('activation', name));

const nameOf = (activation: ActivationSpec): string => (typeof activation === 'string' ? activation : activation.name);
