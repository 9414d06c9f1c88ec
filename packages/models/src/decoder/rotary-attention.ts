/**
 * Causal self-attention with rotary positions, keys and values shared by groups of heads: Llama's, and with its options that
 * of Mistral (a window), Qwen (biases; normalised q and k) and Gemma (a cap, another scale).
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import type { Pass, Slot } from '@loran/adapter';
import { splitHeads } from '../layers/grouped-attention.js';
import type { Norm } from '../layers/norm.js';
import { rotate } from '../layers/rotary/rotate.js';
import type { RotaryOptions } from '../layers/rotary/frequencies.js';
import { attend } from './attend.js';
import type { Sequence } from './sequence.js';

export interface RotaryAttentionParts {
  readonly path: string;
  /** Place of the layer in the cache. */
  readonly layer: number;
  readonly query: Slot;
  readonly key: Slot;
  readonly value: Slot;
  readonly output: Slot;
  readonly heads: number;
  readonly keyHeads: number;
  /** Features of a head. */
  readonly headWidth: number;
  readonly rotary: RotaryOptions;
  /** Normalise each head's query and key before they are turned; default: not. */
  readonly queryNorm?: Norm | undefined;
  readonly keyNorm?: Norm | undefined;
  /** A token sees the last so many; default: all before it. */
  readonly window?: number | undefined;
  /** Factor of the products; default 1/√headWidth. */
  readonly scale?: number | undefined;
  readonly cap?: number | undefined;
  readonly dropout?: number;
}

export class RotaryAttention {
  readonly #parts: RotaryAttentionParts;

  constructor(parts: RotaryAttentionParts) {
    this.#parts = parts;
  }

  /** x [batch·time, width] -> the same shape */
  apply(x: Tensor2D, sequence: Sequence, pass: Pass): Tensor2D {
    return tf.tidy(() => {
      const { path, layer, heads, keyHeads, headWidth, window, cap, dropout = 0, ...parts } = this.#parts;
      const { batch, time } = sequence;
      const turn = sequence.rotation(parts.rotary);
      const split = (slot: Slot, count: number) => splitHeads(slot.apply(x, pass), batch, time, count);
      const normed = (x: Tensor4D, norm: Norm | undefined) => (norm === undefined ? x : norm.apply(x));
      const q = rotate(normed(split(parts.query, heads), parts.queryNorm), turn);
      const k = rotate(normed(split(parts.key, keyHeads), parts.keyNorm), turn);
      const v = split(parts.value, keyHeads);
      const scale = parts.scale ?? headWidth ** -0.5;
      const mask = sequence.mask(window);
      const mixed = attend({ q, k, v }, sequence, { path, layer, scale, cap, dropout, mask }, pass);
      return parts.output.apply(mixed, pass) as Tensor2D;
    });
  }
}
