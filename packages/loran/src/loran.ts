/**
 * LoRAN: a nonlinear low-rank update of a frozen weight (Li et al., Findings of EMNLP 2024, doi
 * 10.18653/v1/2024.findings-emnlp.177; Deng et al. 2025, arXiv 2509.21870).
 *
 *   ΔW = (α/r)·f(B·A)          f elementwise on the whole product, scaled after f; other scalings: see scalingAt
 *   y  = W x + ΔW dropout(x)
 *
 *   W [out, in]  frozen          A [r, in]  Kaiming uniform          B [out, r]  zeros, so ΔW starts at 0 where f(0) = 0
 *
 * LoRA multiplies x by A and then by B; f needs the product, so ΔW is formed whole. Without dropout it is added to W first:
 * one [out, in] addition instead of a second product over all tokens. The backward pass forms ΔW again from A and B, so no
 * [out, in] array is kept for it. All of it is fp32: with the published constants Sinter changes ΔW by 5e-5 of its size,
 * which no 16-bit type can hold.
 *
 * The authors' code also has projections P and biases b after f, which their published runs switch off: see updateChain.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D, Variable } from '@tensorflow/tfjs-core';
import { recomputedUpdate, updateProduct, type AdapterMethod, type Call } from '@loran/adapter';
import { activationAt, nameOf, rankAt, refuseDead, resolved, scalingAt } from './layer-settings.js';
import { loranConfig, type LoranConfig } from './loran-config.js';
import { mloraFormat } from './mlora-format.js';
import { activationKey, peftFormat } from './peft-format.js';
import { updateChain } from './update-chain.js';
import { version } from './version.js';

export const loran: AdapterMethod<LoranConfig> = {
  kind: 'adapter-method',
  name: 'loran',
  package: '@loran/loran',
  version,
  config: loranConfig,
  formats: [peftFormat, mloraFormat],

  async prepare(layers, config, context) {
    if (config.projections.length > 0) return; // B starts away from 0
    const used = new Set(layers.map(({ path }) => activationAt(config, path)));
    for (const activation of used) await refuseDead(activation, context);
  },

  create(frozen, config, context) {
    const { path } = context;
    const { dropout } = config;
    const activation = activationAt(config, path);
    const resolvedActivation = resolved(activation, context);
    const isLinear = frozen.kind === 'linear';
    const scaling = scalingAt(config, path, frozen);
    const chain = updateChain(frozen, { ...config, rank: rankAt(config, path) }, context);
    const f = resolvedActivation.instantiate();

    const formed = (from: Tensor2D, scale: Call['scale'] = 1): Tensor2D =>
      tf.tidy(() => {
        const shaped = chain.update((z) => f.apply(z), from); // [rows, columns]
        return typeof scale === 'number' ? tf.mul(shaped, scaling * scale) : tf.mul(tf.mul(shaped, scaling), scale);
      });

    const [A, ...others] = [...chain.parameters.values(), ...f.parameters.values()] as [Variable, ...Variable[]];

    /** ΔW, no earlier than x, and formed again in the backward pass. */
    const update = (x: Tensor, scale: Call['scale']): Tensor2D =>
      recomputedUpdate({ variables: [A, ...others], scale, form: formed }, x);

    return {
      parameters: new Map<string, Variable>([
        ...chain.parameters,
        ...[...f.parameters].map(([name, parameter]) => [activationKey(name), parameter] as const),
      ]),
      forward: (x, next, { training, scale, drop }) =>
        isLinear && training && dropout > 0
          ? tf.add(next(x), updateProduct(drop(x, dropout), update(x, scale)))
          : next(x, update(x, scale)),
      delta: () => ({ weight: formed(chain.A) }),
      nonlinear: () => {
        const product = chain.product();
        const slope = tf.grad((z) => f.apply(z))(product) as Tensor2D; // f acts elementwise: the gradient of its sum
        const linear = tf.tidy(() =>
          tf.mul<Tensor2D>(
            chain.update((z) => z),
            scaling,
          ),
        );
        return { name: nameOf(activation), product, slope, linear };
      },
      dispose: () => {
        chain.dispose();
        f.dispose();
      },
    };
  },
};
