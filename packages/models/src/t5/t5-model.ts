/** T5's encoder and decoder as one model that reads a text and writes another. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import { inference, type Pass, type Slot } from '@loran/adapter';
import type { Checkpoint } from '../checkpoint/checkpoint.js';
import { originalIn } from '../checkpoint/original-values.js';
import { disposeModules, found, type LoadedModules, normParameters } from '../checkpoint/load-modules.js';
import type { KeyValueCache } from '../decoder/key-value-cache.js';
import { Sequence } from '../decoder/sequence.js';
import { dropoutAt } from '../layers/dropout-at.js';
import { headLosses, headScores, type OutputHead } from '../layers/head-loss.js';
import { additiveMask } from '../layers/additive-mask.js';
import { ModelError } from '../model-error.js';
import type { ModelGraph } from '../onnx/model-graph.js';
import type { TokenBatch } from '../sequence-classifier.js';
import type { EncodedTexts, SequenceToSequenceModel } from '../sequence-to-sequence-model.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { CrossCache } from './cross-cache.js';
import { writeT5Decoder, writeT5Encoder } from './t5-graph.js';
import { relativeBias } from './relative-position.js';
import { type T5Block, t5Block, type T5Surroundings } from './t5-block.js';
import type { T5Config } from './t5-config.js';
import { biasPath, type Stack, stackLayers } from './t5-modules.js';

export class T5Model implements SequenceToSequenceModel {
  readonly family = 't5';
  readonly tokenizer: Tokenizer;
  readonly maxLength: number;
  readonly vocabularySize: number;
  readonly width: number;
  readonly endIds: readonly number[];
  readonly startId: number;
  readonly outputHead = ['lm_head'];
  readonly targetModules = ['q', 'v'];
  readonly tiedForGood = "T5 scales its scores only while the head is the embedding's weight";
  readonly warnings: readonly string[];
  readonly otherParameters: number;
  readonly checkpoint: Checkpoint;
  readonly fingerprint: string;
  readonly #config: T5Config;
  readonly #modules: LoadedModules;
  readonly #blocks: Readonly<Record<Stack, readonly T5Block[]>>;
  readonly #head: OutputHead;

  /** `modules` are those of `t5Modules` and `lm_head`; the model disposes them. */
  constructor(
    config: T5Config,
    modules: LoadedModules,
    about: Pick<SequenceToSequenceModel, 'tokenizer' | 'warnings' | 'endIds' | 'startId'>,
  ) {
    this.tokenizer = about.tokenizer;
    this.warnings = about.warnings;
    this.endIds = about.endIds;
    this.startId = about.startId;
    this.maxLength = config.n_positions;
    this.vocabularySize = config.vocab_size;
    this.width = config.d_model;
    this.otherParameters = normParameters(modules);
    this.#config = config;
    this.checkpoint = modules;
    this.fingerprint = modules.fingerprint;
    this.#modules = modules;
    const blocks = (stack: Stack) =>
      Array.from({ length: stackLayers(config, stack) }, (_, n) => t5Block(config, modules, stack, n));
    this.#blocks = { encoder: blocks('encoder'), decoder: blocks('decoder') };
    this.#head = { slot: found(modules.slots, 'lm_head'), scale: config.scaled ? config.d_model ** -0.5 : undefined };
  }

  modules(): ReadonlyMap<string, Slot> {
    return this.#modules.slots;
  }

  original(path: string) {
    return originalIn(this.checkpoint, path);
  }

  encode(batch: TokenBatch, pass: Pass = inference): EncodedTexts {
    const { mask } = batch;
    const [texts, time] = batch.ids.shape;
    const states = tf.tidy(() => {
      const sequence = new Sequence(batch, Infinity);
      try {
        const bias = this.#bias('encoder', sequence, pass); // [1, heads, time, time]
        const around = {
          batch: texts,
          mask: mask === undefined ? bias : tf.add<Tensor4D>(bias, additiveMask(mask)),
          own: (added: Parameters<T5Surroundings['own']>[0]) => added,
        };
        return this.#run('encoder', sequence, around, pass);
      } finally {
        sequence.dispose();
      }
    });
    return { states, batch: texts, time, ...(mask === undefined ? {} : { mask }) };
  }

  hidden(batch: TokenBatch, encoded: EncodedTexts, pass: Pass = inference, cache?: KeyValueCache): Tensor2D {
    const crossCache = this.#checked(batch, encoded, cache);
    return tf.tidy(() => {
      const sequence = new Sequence(batch, Infinity, crossCache);
      try {
        const bias = this.#bias('decoder', sequence, pass); // [1, heads, time, columns]
        const mask = sequence.mask();
        const around: T5Surroundings = {
          batch: encoded.batch,
          mask: mask === undefined ? bias : tf.add<Tensor4D>(bias, mask),
          own: (added, layer) => crossCache?.append(layer, added.keys, added.values, sequence.start) ?? added,
          other: {
            mask: encoded.mask === undefined ? undefined : additiveMask(encoded.mask),
            time: encoded.time,
            keysValues: (layer, make) => crossCache?.cross(layer, () => make(encoded.states)) ?? make(encoded.states),
          },
        };
        const states = this.#run('decoder', sequence, around, pass);
        crossCache?.advance(sequence.time);
        return states;
      } finally {
        sequence.dispose();
      }
    });
  }

  scores(hidden: Tensor2D, pass: Pass = inference): Tensor2D {
    return headScores(this.#head, hidden, pass);
  }

  losses(hidden: Tensor2D, targets: Tensor1D, pass: Pass = inference): Tensor1D {
    return headLosses(this.#head, hidden, targets, pass);
  }

  newCache(batch: number, capacity: number): KeyValueCache {
    const { num_heads: heads, d_kv: width } = this.#config;
    const layers = stackLayers(this.#config, 'decoder');
    return new CrossCache({ layers, heads, keyWidth: width, valueWidth: width }, batch, capacity);
  }

  graphs() {
    return {
      encoder_model: (graph: ModelGraph) => writeT5Encoder(graph, this.#config),
      decoder_model_merged: (graph: ModelGraph) => writeT5Decoder(graph, this.#config),
    };
  }

  dispose(): void {
    disposeModules(this.#modules);
  }

  /** -> [batch·time, width] */
  #run(stack: Stack, { ids, batch, time }: Sequence, around: T5Surroundings, pass: Pass): Tensor2D {
    const rate = this.#config.dropout_rate;
    const { slots, norms } = this.#modules;
    const embedded = tf.reshape(found(slots, 'shared').apply(ids, pass), [batch * time, this.width]) as Tensor2D;
    let x = dropoutAt(`${stack}.embedding_dropout`, embedded, rate, pass);
    for (const block of this.#blocks[stack]) x = block(x, around, pass);
    return dropoutAt(`${stack}.dropout`, found(norms, `${stack}.final_layer_norm`).apply(x), rate, pass);
  }

  #bias(stack: Stack, { time, cache, start }: Sequence, pass: Pass): Tensor4D {
    const own = tf.add(tf.reshape(tf.range(0, time, 1, 'int32'), [time, 1]), start); // [time, 1]
    const options = {
      buckets: this.#config.relative_attention_num_buckets,
      maxDistance: this.#config.relative_attention_max_distance,
      bidirectional: stack === 'encoder',
    };
    return relativeBias(found(this.#modules.slots, biasPath(stack)), own, cache?.capacity ?? time, options, pass);
  }

  #checked({ ids }: TokenBatch, encoded: EncodedTexts, cache: KeyValueCache | undefined): CrossCache | undefined {
    if (ids.shape[0] !== encoded.batch) {
      throw new ModelError('INVALID_BATCH', `${encoded.batch} texts were encoded, but ids has ${ids.shape[0]} rows.`);
    }
    if (cache === undefined || cache instanceof CrossCache) return cache;
    throw new ModelError('INVALID_BATCH', 'The cache belongs to another model. Make it with newCache of this one.');
  }
}
