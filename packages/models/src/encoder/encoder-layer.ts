/**
 * One layer of an encoder of BERT's shape, normalised after each addition.
 *
 *   a = LayerNorm(x + dropout(dense(attention(x))))
 *   y = LayerNorm(a + dropout(dense(activation(dense(a)))))
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import type { Pass, Slot } from '@loran/adapter';
import { dropoutAt } from '../layers/dropout-at.js';
import type { Norm } from '../layers/norm.js';
import type { Rectangle, SelfAttention } from './attention.js';

/** A linear layer whose output is dropped out, added to the input of the block, and normalised. */
export interface Closing {
  readonly dense: Slot;
  readonly layerNorm: Norm;
  readonly dropout: number;
}

export class EncoderLayer {
  readonly #path: string;
  readonly #attention: SelfAttention;
  readonly #attentionOutput: Closing;
  readonly #intermediate: Slot;
  readonly #activation: (x: Tensor) => Tensor;
  readonly #output: Closing;

  constructor(parts: {
    path: string;
    attention: SelfAttention;
    attentionOutput: Closing;
    intermediate: Slot;
    activation: (x: Tensor) => Tensor;
    output: Closing;
  }) {
    this.#path = parts.path;
    this.#attention = parts.attention;
    this.#attentionOutput = parts.attentionOutput;
    this.#intermediate = parts.intermediate;
    this.#activation = parts.activation;
    this.#output = parts.output;
  }

  /** x [batch·time, width] -> the same shape; or, of each text's first token alone, [batch, width]. */
  apply(x: Tensor2D, rectangle: Rectangle, pass: Pass, only: 'all' | 'first' = 'all'): Tensor2D {
    return tf.tidy(() => {
      const rows = only === 'all' ? x : firstTokens(x, rectangle);
      const attended = this.#attention.apply(rows, x, rectangle, pass);
      const a = this.#close(this.#attentionOutput, attended, rows, `${this.#path}.attention.output.dropout`, pass);
      const inner = this.#activation(this.#intermediate.apply(a, pass)); // [rows, intermediate]
      return this.#close(this.#output, inner, a, `${this.#path}.output.dropout`, pass);
    });
  }

  #close({ dense, layerNorm, dropout }: Closing, x: Tensor, residual: Tensor2D, place: string, pass: Pass): Tensor2D {
    const dropped = dropoutAt(place, dense.apply(x, pass), dropout, pass);
    return layerNorm.apply(tf.add<Tensor2D>(dropped, residual));
  }
}

/** The first row of each text: [batch·time, width] -> [batch, width] */
function firstTokens(x: Tensor2D, { batch, time }: Rectangle): Tensor2D {
  const [, width] = x.shape;
  return tf.tidy(() =>
    tf.reshape(tf.slice(tf.reshape(x, [batch, time, width]), [0, 0, 0], [batch, 1, width]), [batch, width]),
  );
}
