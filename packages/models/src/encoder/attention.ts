/**
 * Multi-head self-attention (Vaswani et al. 2017, arXiv 1706.03762).
 *
 *   softmax(Q Kᵀ/√d + mask) V      d = width / heads
 *
 * Tokens stay flattened, [batch·time, width], wherever a weight is applied: tfjs's gradient of a batched product with a
 * 2-D weight throws.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import type { Pass, Slot } from '@loran/adapter';
import { dropoutAt } from '../layers/dropout-at.js';

/** The rectangle that flattened tokens came from. */
export interface Rectangle {
  readonly batch: number;
  readonly time: number;
  /** Added to the scores: 0 for a token, a large negative number for padding. None: no padding. */
  readonly mask?: Tensor4D; // [batch, 1, 1, time]
}

export class SelfAttention {
  readonly #path: string;
  readonly #query: Slot;
  readonly #key: Slot;
  readonly #value: Slot;
  readonly #heads: number;
  readonly #dropout: number;

  constructor(parts: { path: string; query: Slot; key: Slot; value: Slot; heads: number; dropout: number }) {
    this.#path = parts.path;
    this.#query = parts.query;
    this.#key = parts.key;
    this.#value = parts.value;
    this.#heads = parts.heads;
    this.#dropout = parts.dropout;
  }

  /**
   * Attention of `queries` [batch·q, width], q rows a text, to all tokens x [batch·time, width]; the result is
   * [batch·q, width]. In self-attention the queries are x itself; the last layer may ask for the first token alone.
   */
  apply(queries: Tensor2D, x: Tensor2D, { batch, time, mask }: Rectangle, pass: Pass): Tensor2D {
    return tf.tidy(() => {
      const [rows] = queries.shape;
      const width = this.#query.frozen.rows;
      const scale = Math.sqrt(this.#heads / width);
      const q = this.#split(tf.mul(this.#query.apply(queries, pass), scale), rows / batch); // [batch, heads, q, d]
      const k = this.#split(this.#key.apply(x, pass), time); // [batch, heads, time, d]
      const v = this.#split(this.#value.apply(x, pass), time);
      const products = tf.matMul(q, k, false, true); // [batch, heads, q, time]
      const scores = mask === undefined ? products : tf.add(products, mask);
      const weights = dropoutAt(`${this.#path}.dropout`, tf.softmax(scores), this.#dropout, pass);
      const mixed = tf.transpose(tf.matMul(weights, v), [0, 2, 1, 3]); // [batch, q, heads, d]
      return tf.reshape(mixed, [rows, width]);
    });
  }

  /** [batch·time, width] -> [batch, heads, time, d] */
  #split(x: tf.Tensor, time: number): Tensor4D {
    const [rows = 0, width = 0] = x.shape;
    return tf.transpose(tf.reshape(x, [rows / time, time, this.#heads, width / this.#heads]), [0, 2, 1, 3]);
  }
}
