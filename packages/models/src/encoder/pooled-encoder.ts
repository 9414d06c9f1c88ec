/** An encoder whose pooled states are the vectors of texts (Reimers & Gurevych 2019, arXiv 1908.10084). */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { inference, type Pass, type Slot } from '@loran/adapter';
import type { Checkpoint } from '../checkpoint/checkpoint.js';
import { originalIn } from '../checkpoint/original-values.js';
import { disposeModules, type LoadedModules, normParameters } from '../checkpoint/load-modules.js';
import type { SentenceEncoder, SentencePooling } from '../sentence-encoder.js';
import type { TokenBatch } from '../sequence-classifier.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import type { ModelGraph } from '../onnx/model-graph.js';
import { writeEncoder, writePooling } from './encoder-graph.js';
import type { EncoderFacts } from './encoder-facts.js';
import { EncoderStack } from './encoder-stack.js';

export class PooledEncoder implements SentenceEncoder {
  readonly family: string;
  readonly tokenizer: Tokenizer;
  readonly maxLength: number;
  readonly width: number;
  readonly targetModules: readonly string[];
  readonly warnings: readonly string[];
  readonly pooling: 'mean' | 'cls';
  readonly normalised: boolean;
  readonly otherParameters: number;
  readonly checkpoint: Checkpoint;
  readonly fingerprint: string;
  readonly #facts: EncoderFacts;
  readonly #modules: LoadedModules;
  readonly #stack: EncoderStack;

  /** `modules` are those of the encoder without a prefix; the model disposes them. */
  constructor(
    facts: EncoderFacts,
    modules: LoadedModules,
    about: SentencePooling & Pick<SentenceEncoder, 'tokenizer' | 'warnings' | 'maxLength'>,
  ) {
    this.family = facts.family;
    this.tokenizer = about.tokenizer;
    this.width = facts.width;
    this.targetModules = facts.targetModules;
    this.warnings = about.warnings;
    this.pooling = about.pooling;
    this.normalised = about.normalised;
    this.otherParameters = normParameters(modules);
    this.checkpoint = modules;
    this.fingerprint = modules.fingerprint;
    this.#facts = facts;
    this.#modules = modules;
    this.#stack = new EncoderStack(facts, modules, '');
    this.maxLength = Math.min(about.maxLength, this.#stack.maxLength);
  }

  modules(): ReadonlyMap<string, Slot> {
    return this.#modules.slots;
  }

  original(path: string) {
    return originalIn(this.checkpoint, path);
  }

  embed(batch: TokenBatch, pass: Pass = inference): Tensor2D {
    return tf.tidy(() => {
      const vectors = this.#stack.pooled(batch, this.pooling, pass);
      if (!this.normalised) return vectors;
      const squares = tf.sum(tf.square(vectors), 1, true); // [batch, 1]
      return tf.mul<Tensor2D>(vectors, tf.rsqrt(tf.maximum(squares, 1e-24))); // as torch: length at least 1e-12
    });
  }

  hiddenStates(batch: TokenBatch, pass: Pass = inference): Tensor3D[] {
    return this.#stack.hiddenStates(batch, pass);
  }

  /** last_hidden_state [batch, time, width] and sentence_embedding [batch, width]. */
  #writeGraph(graph: ModelGraph): void {
    const encoded = writeEncoder(graph, this.#facts, '');
    const { onnx } = graph;
    onnx.output(encoded.states, 'last_hidden_state', 'float32', ['batch_size', 'sequence_length', this.width]);
    const pooled = writePooling(graph, encoded, this.pooling);
    const normalised = (x: string) => {
      const length = graph.op('ReduceL2', [x, onnx.constant('int64', [1])]); // [batch, 1]
      return graph.op('Div', [x, graph.with('Max', length, 1e-12)]);
    };
    const vectors = this.normalised ? normalised(pooled) : pooled;
    onnx.output(vectors, 'sentence_embedding', 'float32', ['batch_size', this.width]);
  }

  graphs() {
    return { model: (graph: ModelGraph) => this.#writeGraph(graph) };
  }

  dispose(): void {
    disposeModules(this.#modules);
  }
}
