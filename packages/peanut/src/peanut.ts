/**
 * PEANuT, formerly NEAT: an update that a small network makes from the frozen weight (Zhong et al., arXiv 2410.01870).
 *
 *   H₀ = f(A W)                       Hᵢ = f(Eᵢ Hᵢ₋₁)                  i = 1 … depth
 *   Z₀ = H_depth                      Zᵢ = f(Dᵢ Zᵢ₋₁) + H_{depth−i}
 *   ΔW = s·B Z_depth                  y  = W x + s·B (Z_depth x)
 *
 *   W [out, in]  frozen          A [r, out]  Kaiming uniform          Eᵢ, Dᵢ [r, r]  Kaiming uniform
 *   H, Z [r, in]                 B [out, r]  zeros, so ΔW starts at 0
 *
 * The network sees the columns of W, so what it computes does not depend on x: Z_depth is one matrix of rank r at most, and x is
 * multiplied by it and B in turn as in LoRA, without forming ΔW. W is dequantised where it must be; the backward pass does that again
 * and keeps neither W nor H.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Variable } from '@tensorflow/tfjs-core';
import { resolveActivation } from '@loran/activations';
import { recomputed, type AdapterMethod, type Context, type FrozenWeight } from '@loran/adapter';
import { LoranError } from '@loran/plugin';
import { linear, variable } from '@loran/tensor';
import { peanutConfig, type PeanutConfig } from './peanut-config.js';
import { peftActivations } from './peft-activations.js';
import { activationKey, peftFormat } from './peft-format.js';
import { version } from './version.js';

export const peanut: AdapterMethod<PeanutConfig> = {
  kind: 'adapter-method',
  name: 'peanut',
  package: '@loran/peanut',
  version,
  config: peanutConfig,
  formats: [peftFormat],

  create(frozen, { rank, depth, scaling, activation }, context) {
    refuseMisfit(frozen, rank, context.path);
    const f = resolveActivation(
      activation,
      (name) => peftActivations.get(name) ?? context.resolve('activation', name),
    ).instantiate();
    const kaiming = (name: string, shape: [number, number]): Variable & Tensor2D => {
      const bound = 1 / Math.sqrt(shape[1]);
      return variable(context.random.derive(name).uniform(shape, -bound, bound) as Tensor2D) as Variable & Tensor2D;
    };
    const squares = (side: 'encoder' | 'decoder') =>
      Array.from({ length: depth }, (_, i) => [`${side}.${i}`, kaiming(`${side}.${i}`, [rank, rank])] as const);
    const A = kaiming('A', [rank, frozen.rows]);
    const B = variable(tf.zeros<tf.Rank.R2>([frozen.rows, rank])) as Variable & Tensor2D;
    const [encoders, decoders] = [squares('encoder'), squares('decoder')];

    /** Z_depth [r, in]. `from` stands in for A, and W is dequantised no earlier than it. */
    const formed = (from: Tensor2D): Tensor2D =>
      tf.tidy(() => {
        let z = f.apply(tf.matMul(from, frozen.weight(from))) as Tensor2D; // H₀ [r, in]
        const before: Tensor2D[] = [];
        for (const [, E] of encoders) {
          before.push(z);
          z = f.apply(tf.matMul(E, z)) as Tensor2D;
        }
        for (const [, D] of decoders) z = tf.add<Tensor2D>(f.apply(tf.matMul(D, z)), before.pop()!);
        return z;
      });

    const parameters = new Map<string, Variable>([
      ['A', A],
      ...encoders,
      ...decoders,
      ['B', B],
      ...[...f.parameters].map(([name, parameter]) => [activationKey(name), parameter] as const),
    ]);
    const inputs = [...parameters.values()].filter((parameter) => parameter !== B); // A first

    return {
      parameters,
      forward: (x, next, { scale }) => {
        const z = recomputed<Tensor2D>({ inputs, form: (from) => formed(from as Tensor2D) }, x);
        return tf.add(next(x), linear(tf.mul(linear(x, z), tf.mul(scaling, scale)), B));
      },
      delta: () => ({ weight: tf.tidy(() => tf.mul(tf.matMul(B, formed(A)), scaling)) }),
      factored: () => {
        const z = formed(A);
        return { A: z, B, scaling, release: () => z.dispose() };
      },
      dispose: () => {
        tf.dispose([A, B, ...[...encoders, ...decoders].map(([, square]) => square)]);
        f.dispose();
      },
    };
  },
};

/** Throws UNSUPPORTED_MODULE for an embedding, INVALID_RANK for a rank above the smaller side. */
function refuseMisfit({ kind, rows, columns }: FrozenWeight, rank: number, path: Context['path']): void {
  if (kind === 'embedding') {
    throw new LoranError(
      'UNSUPPORTED_MODULE',
      `PEANuT goes on linear modules; '${path}' is an embedding. Leave it out of the target modules.`,
    );
  }
  const most = Math.min(rows, columns);
  if (rank > most) {
    throw new LoranError(
      'INVALID_RANK',
      `The rank for '${path}' is ${rank}; its weight is [${rows}, ${columns}], so it must be from 1 to ${most}. ` +
        'Lower the rank or leave this module out of the target modules.',
    );
  }
}
