/** BERT's input: LayerNorm(word + position + token type), then dropout. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { Pass, Slot } from '@loran/adapter';
import { dropoutAt } from '../layers/dropout-at.js';
import type { Norm } from '../layers/norm.js';
import type { TokenBatch } from '../sequence-classifier.js';

export class BertEmbeddings {
  readonly #words: Slot;
  readonly #positions: Slot;
  readonly #tokenTypes: Slot;
  readonly #layerNorm: Norm;
  readonly #dropout: number;

  constructor(parts: { words: Slot; positions: Slot; tokenTypes: Slot; layerNorm: Norm; dropout: number }) {
    this.#words = parts.words;
    this.#positions = parts.positions;
    this.#tokenTypes = parts.tokenTypes;
    this.#layerNorm = parts.layerNorm;
    this.#dropout = parts.dropout;
  }

  /** ids [batch, time] -> [batch·time, width] */
  apply({ ids, tokenTypes }: TokenBatch, pass: Pass): Tensor2D {
    return tf.tidy(() => {
      const [batch, time] = ids.shape;
      const words = this.#words.apply(ids, pass); // [batch, time, width]
      const positions = this.#positions.apply(tf.range(0, time, 1, 'int32'), pass); // [time, width]
      const types = this.#tokenTypes.apply(tokenTypes ?? tf.tensor1d([0], 'int32'), pass); // [batch, time, width] or [1, width]
      const sum = tf.reshape(tf.add(words, tf.add(types, positions)), [batch * time, this.#layerNorm.size]) as Tensor2D;
      return dropoutAt('embeddings.dropout', this.#layerNorm.apply(sum), this.#dropout, pass);
    });
  }
}
