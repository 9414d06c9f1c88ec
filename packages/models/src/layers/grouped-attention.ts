/**
 * Scaled dot-product attention whose queries share keys and values in groups (Ainslie et al. 2023, arXiv 2305.13245).
 *
 *   softmax(cap(s·Q Kᵀ) + mask) V      cap(z) = c·tanh(z / c), where there is a cap c (Gemma 2)
 *
 * One group a head is multi-head attention, one in all multi-query. Keys and values are not repeated: a group's queries
 * stand below each other in one product.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';

export interface AttentionInputs {
  readonly q: Tensor4D; // [batch, time, heads, width]
  readonly k: Tensor4D; // [batch, keyHeads, columns, width]
  readonly v: Tensor4D; // [batch, keyHeads, columns, valueWidth]
  /** Added to the scores. */
  readonly mask: Tensor4D | undefined; // [batch or 1, 1 or heads, time, columns]
  /** Factor s of the products; usually 1/√width. */
  readonly scale: number;
  readonly cap?: number | undefined;
  /** What becomes of the weights before they meet the values: dropout. */
  readonly drop?: (weights: Tensor) => Tensor;
}

/** -> [batch·time, heads·valueWidth] */
export function groupedAttention({ q, k, v, mask, scale, cap, drop }: AttentionInputs): Tensor2D {
  return tf.tidy(() => {
    const [batch, time, heads, width] = q.shape;
    const [, keyHeads, columns] = k.shape;
    const valueWidth = v.shape[3];
    const group = heads / keyHeads;
    const byHead = tf.transpose(scale === 1 ? q : tf.mul(q, scale), [0, 2, 1, 3]); // [batch, heads, time, width]
    const grouped = tf.reshape(byHead, [batch, keyHeads, group * time, width]);
    const products = tf.matMul(grouped, k, false, true); // [batch, keyHeads, group·time, columns]
    const capped = cap === undefined ? products : tf.mul(tf.tanh(tf.div(products, cap)), cap);
    const scores = tf.reshape(capped, [batch, heads, time, columns]);
    const weights = tf.softmax(mask === undefined ? scores : tf.add(scores, mask)) as Tensor;
    const kept = tf.reshape(drop === undefined ? weights : drop(weights), [batch, keyHeads, group * time, columns]);
    const mixed = tf.reshape(tf.matMul(kept, v), [batch, heads, time, valueWidth]);
    return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch * time, heads * valueWidth]);
  });
}

/** Flattened features by head. [batch·time, heads·width] -> [batch, time, heads, width] */
export function splitHeads(x: Tensor, batch: number, time: number, heads: number): Tensor4D {
  return tf.reshape(x, [batch, time, heads, -1]);
}
