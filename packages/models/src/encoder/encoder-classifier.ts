/** An encoder with a head on each text's first state, or with one linear layer on the mean of its states. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { inference, type Pass, type Slot } from '@loran/adapter';
import type { Checkpoint } from '../checkpoint/checkpoint.js';
import { originalIn } from '../checkpoint/original-values.js';
import { disposeModules, found, type LoadedModules, normParameters } from '../checkpoint/load-modules.js';
import { dropoutAt } from '../layers/dropout-at.js';
import type { SequenceClassifier, TokenBatch } from '../sequence-classifier.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import type { ModelGraph } from '../onnx/model-graph.js';
import { writeEncoder, writePooling } from './encoder-graph.js';
import type { EncoderFacts, EncoderHead } from './encoder-facts.js';
import { EncoderStack } from './encoder-stack.js';

/** 'cls': the family's head. 'mean': `classifier` alone. */
export type EncoderPooling = 'cls' | 'mean';

/** The path of the one linear layer behind 'mean'. */
export const meanHead = 'classifier';

type About = Pick<SequenceClassifier, 'labels' | 'tokenizer' | 'initialised' | 'warnings'> & {
  readonly pooling: EncoderPooling;
};

export class EncoderClassifier implements SequenceClassifier {
  readonly family: string;
  readonly labels: readonly string[];
  readonly pooling: EncoderPooling;
  readonly tokenizer: Tokenizer;
  readonly maxLength: number;
  readonly outputHead: readonly string[];
  readonly headModules: readonly string[];
  readonly targetModules: readonly string[];
  readonly initialised: readonly string[];
  readonly warnings: readonly string[];
  readonly otherParameters: number;
  readonly checkpoint: Checkpoint;
  readonly fingerprint: string;
  readonly #facts: EncoderFacts;
  readonly #root: string;
  readonly #modules: LoadedModules;
  readonly #stack: EncoderStack;
  readonly #head: EncoderHead | undefined;

  /** `modules` are those of the encoder under `root` and of the head; the model disposes them. */
  constructor(facts: EncoderFacts, modules: LoadedModules, root: string, about: About) {
    this.family = facts.family;
    this.labels = about.labels;
    this.pooling = about.pooling;
    this.tokenizer = about.tokenizer;
    this.initialised = about.initialised;
    this.warnings = about.warnings;
    this.targetModules = facts.targetModules;
    this.otherParameters = normParameters(modules);
    this.checkpoint = modules;
    this.fingerprint = modules.fingerprint;
    this.#facts = facts;
    this.#root = root;
    this.#modules = modules;
    this.#stack = new EncoderStack(facts, modules, root);
    this.maxLength = this.#stack.maxLength;
    this.#head = about.pooling === 'cls' ? facts.head : undefined;
    this.outputHead = this.#head === undefined ? [meanHead] : headPaths(this.#head);
    this.headModules = this.#head?.modules ?? [meanHead];
  }

  modules(): ReadonlyMap<string, Slot> {
    return this.#modules.slots;
  }

  original(path: string) {
    return originalIn(this.checkpoint, path);
  }

  hiddenStates(batch: TokenBatch, pass: Pass = inference): Tensor3D[] {
    return this.#stack.hiddenStates(batch, pass);
  }

  pooled(batch: TokenBatch, pass: Pass = inference): Tensor2D {
    return tf.tidy(() => {
      const states = this.#stack.pooled(batch, this.pooling, pass);
      return this.#head?.dense.pretrained === true ? this.#dense(this.#head, states, pass) : states;
    });
  }

  logits(batch: TokenBatch, pass: Pass = inference): Tensor2D {
    return tf.tidy(() => {
      const pooled = this.pooled(batch, pass);
      const head = this.#head;
      if (head === undefined) return found(this.#modules.slots, meanHead).apply(pooled, pass) as Tensor2D;
      const x = head.dense.pretrained ? pooled : this.#dense(head, pooled, pass);
      return found(this.#modules.slots, head.out).apply(dropoutAt('dropout', x, head.dropout, pass), pass) as Tensor2D;
    });
  }

  #writeGraph(graph: ModelGraph): void {
    let x = writePooling(graph, writeEncoder(graph, this.#facts, this.#root), this.pooling);
    const head = this.#head;
    if (head !== undefined)
      x = graph.op(head.dense.activation === 'tanh' ? 'Tanh' : 'Relu', [graph.linear(head.dense.path, x)]);
    const logits = graph.linear(head?.out ?? meanHead, x);
    graph.onnx.output(logits, 'logits', 'float32', ['batch_size', this.labels.length]);
  }

  graphs() {
    return { model: (graph: ModelGraph) => this.#writeGraph(graph) };
  }

  dispose(): void {
    disposeModules(this.#modules);
  }

  #dense({ dense }: EncoderHead, x: Tensor2D, pass: Pass): Tensor2D {
    const dropped = dropoutAt(`${dense.path}.dropout`, x, dense.dropout, pass);
    const inner: Tensor = found(this.#modules.slots, dense.path).apply(dropped, pass);
    return (dense.activation === 'tanh' ? tf.tanh(inner) : tf.relu(inner)) as Tensor2D;
  }
}

/** The layers that begin anew with new labels. */
export const headPaths = ({ dense, out }: EncoderHead): string[] => (dense.pretrained ? [out] : [dense.path, out]);
