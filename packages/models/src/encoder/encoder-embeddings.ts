/** An encoder's input: LayerNorm(word + position + token type), then dropout. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import type { Pass, Slot } from '@loran/adapter';
import { dropoutAt } from '../layers/dropout-at.js';
import type { Norm } from '../layers/norm.js';
import type { TokenBatch } from '../sequence-classifier.js';

export interface EncoderEmbeddingsParts {
  readonly words: Slot;
  readonly positions: Slot;
  readonly tokenTypes: Slot | undefined;
  readonly layerNorm: Norm;
  readonly dropout: number;
  /** Position of the first token, where positions follow the mask; none: columns from 0. */
  readonly firstPosition: number | undefined;
}

export class EncoderEmbeddings {
  readonly #parts: EncoderEmbeddingsParts;

  constructor(parts: EncoderEmbeddingsParts) {
    this.#parts = parts;
  }

  /** ids [batch, time] -> [batch·time, width] */
  apply({ ids, mask, tokenTypes }: TokenBatch, pass: Pass): Tensor2D {
    return tf.tidy(() => {
      const { words, positions, tokenTypes: types, layerNorm, dropout, firstPosition } = this.#parts;
      const [batch, time] = ids.shape;
      const places =
        firstPosition === undefined ? tf.range(0, time, 1, 'int32') : countedPositions(time, mask, firstPosition);
      let added = positions.apply(places, pass); // [time, width] or [batch, time, width]
      if (types !== undefined) {
        added = tf.add(types.apply(tokenTypes ?? tf.tensor1d([0], 'int32'), pass), added); // types [batch, time, width] or [1, width]
      }
      const sum = tf.reshape(tf.add(words.apply(ids, pass), added), [batch * time, layerNorm.size]) as Tensor2D;
      return dropoutAt('embeddings.dropout', layerNorm.apply(sum), dropout, pass);
    });
  }
}

/** Tokens are counted from `first`; padding has the position before. -> [time] or [batch, time] int32 */
function countedPositions(time: number, mask: Tensor2D | undefined, first: number): Tensor {
  if (mask === undefined) return tf.range(first, first + time, 1, 'int32');
  const tokens = tf.cast(mask, 'float32');
  return tf.cast(tf.add(tf.mul(tf.cumsum(tokens, 1), tokens), first - 1), 'int32');
}
