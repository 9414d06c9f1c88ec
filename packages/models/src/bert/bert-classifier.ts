/** A BERT encoder with a classifier on the pooled vector, as slots and tfjs ops. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { inference, type Pass, type Slot } from '@loran/adapter';
import type { Checkpoint } from '../checkpoint/checkpoint.js';
import { disposeModules, found, type LoadedModules } from '../checkpoint/load-modules.js';
import { additiveMask } from '../layers/additive-mask.js';
import { dropoutAt } from '../layers/dropout-at.js';
import { hiddenActivations } from '../layers/hidden-activation.js';
import { meanPooling } from '../layers/mean-pooling.js';
import { ModelError } from '../model-error.js';
import type { Pooling, SequenceClassifier, TokenBatch } from '../sequence-classifier.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { type Rectangle, SelfAttention } from './attention.js';
import type { BertConfig } from './config.js';
import { BertEmbeddings } from './embeddings.js';
import { EncoderLayer } from './encoder-layer.js';
import { encoderRoot, layerPath } from './modules.js';

export class BertClassifier implements SequenceClassifier {
  readonly family = 'bert';
  readonly labels: readonly string[];
  readonly pooling: Pooling;
  readonly tokenizer: Tokenizer;
  readonly maxLength: number;
  readonly outputHead = ['classifier'];
  readonly headModules = ['classifier'];
  readonly targetModules = ['query', 'value'];
  readonly initialised: readonly string[];
  readonly warnings: readonly string[];
  readonly otherParameters: number;
  readonly checkpoint: Checkpoint;
  readonly fingerprint: string;
  readonly #config: BertConfig;
  readonly #modules: LoadedModules;
  readonly #embeddings: BertEmbeddings;
  readonly #layers: readonly EncoderLayer[];

  /** `modules` are those of `bertModules` and `classifier`; the model disposes them. */
  constructor(
    config: BertConfig,
    modules: LoadedModules,
    about: Pick<SequenceClassifier, 'labels' | 'pooling' | 'tokenizer' | 'initialised' | 'warnings'>,
  ) {
    this.labels = about.labels;
    this.pooling = about.pooling;
    this.tokenizer = about.tokenizer;
    this.initialised = about.initialised;
    this.warnings = about.warnings;
    this.maxLength = config.max_position_embeddings;
    this.otherParameters = [...modules.norms.values()].reduce((sum, { parameters }) => sum + parameters, 0);
    this.checkpoint = modules;
    this.fingerprint = modules.fingerprint;
    this.#config = config;
    this.#modules = modules;
    const root = encoderRoot(about.pooling);
    this.#embeddings = new BertEmbeddings({
      words: this.#slot(`${root}embeddings.word_embeddings`),
      positions: this.#slot(`${root}embeddings.position_embeddings`),
      tokenTypes: this.#slot(`${root}embeddings.token_type_embeddings`),
      layerNorm: this.#layerNorm(`${root}embeddings.LayerNorm`),
      dropout: config.hidden_dropout_prob,
    });
    this.#layers = Array.from({ length: config.num_hidden_layers }, (_, n) => this.#layer(layerPath(root, n)));
  }

  modules(): ReadonlyMap<string, Slot> {
    return this.#modules.slots;
  }

  hiddenStates(batch: TokenBatch, pass: Pass = inference): Tensor3D[] {
    return tf.tidy(() => {
      const rectangle = this.#rectangle(batch);
      const states = [this.#embeddings.apply(batch, pass)];
      for (const layer of this.#layers) states.push(layer.apply(states.at(-1)!, rectangle, pass));
      return states.map((state) => this.#unflatten(state, rectangle));
    });
  }

  pooled(batch: TokenBatch, pass: Pass = inference): Tensor2D {
    return tf.tidy(() => {
      const rectangle = this.#rectangle(batch);
      const only = this.pooling === 'cls' ? 'first' : 'all';
      let x = this.#embeddings.apply(batch, pass);
      for (const layer of this.#layers.slice(0, -1)) x = layer.apply(x, rectangle, pass);
      const last = this.#layers.at(-1)!.apply(x, rectangle, pass, only); // what no pooling reads is not computed
      if (this.pooling === 'mean') return meanPooling(this.#unflatten(last, rectangle), batch.mask);
      return tf.tanh(this.#slot('bert.pooler.dense').apply(last, pass)) as Tensor2D;
    });
  }

  logits(batch: TokenBatch, pass: Pass = inference): Tensor2D {
    return tf.tidy(() => {
      const pooled = this.pooled(batch, pass);
      const rate = this.#config.classifier_dropout ?? this.#config.hidden_dropout_prob;
      const dropped = this.pooling === 'cls' ? dropoutAt('dropout', pooled, rate, pass) : pooled;
      return this.#slot('classifier').apply(dropped, pass) as Tensor2D;
    });
  }

  dispose(): void {
    disposeModules(this.#modules);
  }

  #layer(path: string): EncoderLayer {
    const config = this.#config;
    const closing = (name: string) => ({
      dense: this.#slot(`${path}.${name}.dense`),
      layerNorm: this.#layerNorm(`${path}.${name}.LayerNorm`),
    });
    return new EncoderLayer({
      path,
      attention: new SelfAttention({
        path: `${path}.attention.self`,
        query: this.#slot(`${path}.attention.self.query`),
        key: this.#slot(`${path}.attention.self.key`),
        value: this.#slot(`${path}.attention.self.value`),
        heads: config.num_attention_heads,
        dropout: config.attention_probs_dropout_prob,
      }),
      attentionOutput: closing('attention.output'),
      intermediate: this.#slot(`${path}.intermediate.dense`),
      activation: hiddenActivations[config.hidden_act],
      output: closing('output'),
      dropout: config.hidden_dropout_prob,
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

  #unflatten(x: Tensor2D, { batch, time }: Rectangle): Tensor3D {
    return tf.reshape(x, [batch, time, x.shape[1]]);
  }

  #slot(path: string): Slot {
    return found(this.#modules.slots, path);
  }

  #layerNorm(path: string) {
    return found(this.#modules.norms, path);
  }
}
