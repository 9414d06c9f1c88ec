/**
 * T5's attention: softmax(Q Kᵀ + bias + mask) V, its products not divided by √width. Keys and values come from the same texts,
 * or from the encoder's.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import type { Pass, Slot } from '@loran/adapter';
import { dropoutAt } from '../layers/dropout-at.js';
import { groupedAttention, splitHeads } from '../layers/grouped-attention.js';

export interface KeysValues {
  readonly keys: Tensor4D; // [batch, heads, columns, headWidth]
  readonly values: Tensor4D;
}

export class T5Attention {
  readonly #parts: { path: string; q: Slot; k: Slot; v: Slot; o: Slot; heads: number; dropout: number };

  constructor(parts: { path: string; q: Slot; k: Slot; v: Slot; o: Slot; heads: number; dropout: number }) {
    this.#parts = parts;
  }

  /** x [batch·time, width], what is attended to. */
  keysValues(x: Tensor2D, batch: number, time: number, pass: Pass): KeysValues {
    const { k, v, heads } = this.#parts;
    const byHead = (slot: Slot) => tf.transpose(splitHeads(slot.apply(x, pass), batch, time, heads), [0, 2, 1, 3]);
    return { keys: byHead(k), values: byHead(v) };
  }

  /** x [batch·time, width]; mask, bias included, [batch or 1, 1 or heads, time or 1, columns] -> [batch·time, width] */
  apply(x: Tensor2D, batch: number, { keys, values }: KeysValues, mask: Tensor4D | undefined, pass: Pass): Tensor2D {
    return tf.tidy(() => {
      const { path, q, o, heads, dropout } = this.#parts;
      const mixed = groupedAttention({
        q: splitHeads(q.apply(x, pass), batch, x.shape[0] / batch, heads),
        k: keys,
        v: values,
        mask,
        scale: 1,
        drop: (weights) => dropoutAt(`${path}.dropout`, weights, dropout, pass),
      });
      return o.apply(mixed, pass) as Tensor2D;
    });
  }
}
