/**
 * One layer of T5's encoder or decoder, normalised before each part:
 *
 *   a = x + dropout(attention(norm(x)))      c = a + dropout(cross(norm(a)))  in the decoder      y = c + dropout(mlp(norm(c)))
 *
 *   mlp(x) = wo(dropout(f(wi x))), or wo(dropout(f(wi_0 x) · wi_1 x)) where it is gated
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import type { Pass } from '@loran/adapter';
import { found, type LoadedModules } from '../checkpoint/load-modules.js';
import { dropoutAt } from '../layers/dropout-at.js';
import { hiddenActivations } from '../layers/hidden-activation.js';
import { type KeysValues, T5Attention } from './t5-attention.js';
import type { T5Config } from './t5-config.js';
import { blockPath, type Stack } from './t5-modules.js';

/** Where the tokens of one layer look. Masks include the position bias. */
export interface T5Surroundings {
  readonly batch: number;
  readonly mask: Tensor4D | undefined; // [batch or 1, heads, time, columns]
  /** Keys and values of the texts themselves, from those of the new tokens. */
  readonly own: (added: KeysValues, layer: number) => KeysValues;
  /** The decoder's view of the encoder; `make` computes a layer's keys and values. */
  readonly other?: {
    readonly mask: Tensor4D | undefined; // [batch, 1, 1, columns]
    readonly keysValues: (layer: number, make: (states: Tensor2D) => KeysValues) => KeysValues;
    readonly time: number;
  };
}

/** x [batch·time, width] -> the same shape */
export type T5Block = (x: Tensor2D, around: T5Surroundings, pass: Pass) => Tensor2D;

export function t5Block(config: T5Config, { slots, norms }: LoadedModules, stack: Stack, n: number): T5Block {
  const path = blockPath(stack, n);
  const { num_heads: heads, dropout_rate: dropout } = config;
  const slot = (name: string) => found(slots, `${path}.${name}`);
  const attention = (name: string) =>
    new T5Attention({
      path: `${path}.${name}`,
      q: slot(`${name}.q`),
      k: slot(`${name}.k`),
      v: slot(`${name}.v`),
      o: slot(`${name}.o`),
      heads,
      dropout,
    });
  const self = attention('layer.0.SelfAttention');
  const cross = stack === 'decoder' ? attention('layer.1.EncDecAttention') : undefined;
  const last = cross === undefined ? 1 : 2;
  const activate = hiddenActivations[config.activation] as (x: Tensor) => Tensor;

  const feedForward = (x: Tensor2D, pass: Pass): Tensor2D => {
    const dense = (name: string) => slot(`layer.${last}.DenseReluDense.${name}`);
    const inner = config.gated
      ? tf.mul(activate(dense('wi_0').apply(x, pass)), dense('wi_1').apply(x, pass))
      : activate(dense('wi').apply(x, pass)); // [batch·time, inner]
    const place = `${path}.layer.${last}.DenseReluDense.dropout`;
    return dense('wo').apply(dropoutAt(place, inner, dropout, pass), pass) as Tensor2D;
  };
  const part = (layer: number, x: Tensor2D, pass: Pass, apply: (normed: Tensor2D) => Tensor2D): Tensor2D => {
    const update = apply(found(norms, `${path}.layer.${layer}.layer_norm`).apply(x));
    return tf.add<Tensor2D>(x, dropoutAt(`${path}.layer.${layer}.dropout`, update, dropout, pass));
  };

  return (x, { batch, mask, own, other }, pass) =>
    tf.tidy(() => {
      let y = part(0, x, pass, (normed) => {
        const added = self.keysValues(normed, batch, normed.shape[0] / batch, pass);
        return self.apply(normed, batch, own(added, n), mask, pass);
      });
      if (cross !== undefined && other !== undefined) {
        const seen = other.keysValues(n, (states) => cross.keysValues(states, batch, other.time, pass));
        y = part(1, y, pass, (normed) => cross.apply(normed, batch, seen, other.mask, pass));
      }
      return part(last, y, pass, (normed) => feedForward(normed, pass));
    });
}
