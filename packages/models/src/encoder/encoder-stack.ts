/** The embeddings and layers of an encoder, without what stands on top. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Pass } from '@loran/adapter';
import { found, type LoadedModules } from '../checkpoint/load-modules.js';
import { additiveMask } from '../layers/additive-mask.js';
import { hiddenActivations } from '../layers/hidden-activation.js';
import { meanPooling } from '../layers/mean-pooling.js';
import { ModelError } from '../model-error.js';
import type { TokenBatch } from '../sequence-classifier.js';
import { type Rectangle, SelfAttention } from './attention.js';
import { EncoderEmbeddings } from './encoder-embeddings.js';
import { type EncoderFacts, maxLengthOf } from './encoder-facts.js';
import { EncoderLayer } from './encoder-layer.js';

export class EncoderStack {
  readonly maxLength: number;
  readonly #embeddings: EncoderEmbeddings;
  readonly #layers: readonly EncoderLayer[];

  /** `modules` hold those of `encoderModules(facts, root)`. */
  constructor(facts: EncoderFacts, { slots, norms }: LoadedModules, root: string) {
    this.maxLength = maxLengthOf(facts);
    this.#embeddings = new EncoderEmbeddings({
      words: found(slots, `${root}embeddings.word_embeddings`),
      positions: found(slots, `${root}embeddings.position_embeddings`),
      tokenTypes: facts.tokenTypes === undefined ? undefined : found(slots, `${root}embeddings.token_type_embeddings`),
      layerNorm: found(norms, `${root}embeddings.LayerNorm`),
      dropout: facts.dropout.embeddings,
      firstPosition: facts.firstPosition,
    });
    const { names, dropout } = facts;
    this.#layers = Array.from({ length: facts.layers }, (_, n) => {
      const path = `${root}${facts.layerPath(n)}`;
      const slot = (name: string) => found(slots, `${path}.${name}`);
      const norm = (name: string) => found(norms, `${path}.${name}`);
      return new EncoderLayer({
        path,
        attention: new SelfAttention({
          path: `${path}.attention.self`,
          query: slot(names.query),
          key: slot(names.key),
          value: slot(names.value),
          heads: facts.heads,
          dropout: dropout.attention,
        }),
        attentionOutput: {
          dense: slot(names.attentionOutput),
          layerNorm: norm(names.attentionNorm),
          dropout: dropout.attentionOutput,
        },
        intermediate: slot(names.intermediate),
        activation: hiddenActivations[facts.activation] as (x: Tensor) => Tensor,
        output: { dense: slot(names.output), layerNorm: norm(names.outputNorm), dropout: dropout.output },
      });
    });
  }

  /** The embeddings' output, then that of each layer: layers + 1 of [batch, time, width]. */
  hiddenStates(batch: TokenBatch, pass: Pass): Tensor3D[] {
    return tf.tidy(() => {
      const rectangle = this.#rectangle(batch);
      const states = [this.#embeddings.apply(batch, pass)];
      for (const layer of this.#layers) states.push(layer.apply(states.at(-1)!, rectangle, pass));
      return states.map((state) => unflatten(state, rectangle));
    });
  }

  /** Of each text's last states the first, or their mean over the tokens. What no pooling reads is not computed. */
  pooled(batch: TokenBatch, pooling: 'cls' | 'mean', pass: Pass): Tensor2D {
    return tf.tidy(() => {
      const rectangle = this.#rectangle(batch);
      let x = this.#embeddings.apply(batch, pass);
      for (const layer of this.#layers.slice(0, -1)) x = layer.apply(x, rectangle, pass);
      const last = this.#layers.at(-1)!.apply(x, rectangle, pass, pooling === 'cls' ? 'first' : 'all');
      return pooling === 'cls' ? last : meanPooling(unflatten(last, rectangle), batch.mask);
    });
  }

  #rectangle({ ids, mask, tokenTypes }: TokenBatch): Rectangle {
    const [batch, time] = ids.shape;
    if (ids.dtype !== 'int32' || batch === 0 || time === 0) {
      throw new ModelError(
        'INVALID_BATCH',
        `ids is ${ids.dtype} [${ids.shape.join(', ')}]; expected int32 [batch, time] with at least one token.`,
      );
    }
    for (const [name, other] of Object.entries({ mask, tokenTypes })) {
      if (other !== undefined && (other.shape[0] !== batch || other.shape[1] !== time)) {
        throw new ModelError(
          'INVALID_BATCH',
          `${name} is [${other.shape.join(', ')}], but ids is [${ids.shape.join(', ')}]; expected the same shape.`,
        );
      }
    }
    if (time > this.maxLength) {
      throw new ModelError(
        'SEQUENCE_TOO_LONG',
        `The batch has ${time} tokens a text, but this model knows ${this.maxLength} positions (max_position_embeddings). Encode with maxLength: ${this.maxLength} or less.`,
      );
    }
    return { batch, time, ...(mask === undefined ? {} : { mask: additiveMask(mask) }) };
  }
}

const unflatten = (x: Tensor2D, { batch, time }: Rectangle): Tensor3D => tf.reshape(x, [batch, time, x.shape[1]]);
