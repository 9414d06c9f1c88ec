/**
 * A causal model as a classifier: the last token has seen the whole text, and `score` makes of its hidden state one score
 * for each label, as transformers' ForSequenceClassification classes of decoders do. Padding may stand on either side.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { inference, type Pass, type Slot } from '@loran/adapter';
import type { Checkpoint } from '../checkpoint/checkpoint.js';
import { originalIn } from '../checkpoint/original-values.js';
import type { SequenceClassifier, TokenBatch } from '../sequence-classifier.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import type { Decoder } from './decoder.js';

export class DecoderClassifier implements SequenceClassifier {
  readonly family: string;
  readonly labels: readonly string[];
  readonly pooling = 'last';
  readonly tokenizer: Tokenizer;
  readonly maxLength: number;
  readonly outputHead: readonly string[];
  readonly headModules: readonly string[];
  readonly targetModules: readonly string[];
  readonly initialised: readonly string[];
  readonly warnings: readonly string[];
  readonly otherParameters: number;
  readonly conv1d: ReadonlySet<string>;
  readonly checkpoint: Checkpoint;
  readonly fingerprint: string;
  readonly #decoder: Decoder;

  /** `decoder` has its `score` for a head, and is disposed with the classifier. */
  constructor(decoder: Decoder, about: Pick<SequenceClassifier, 'labels' | 'initialised'>) {
    this.family = decoder.family;
    this.labels = about.labels;
    this.tokenizer = decoder.tokenizer;
    this.maxLength = decoder.maxLength;
    this.outputHead = decoder.outputHead;
    this.headModules = decoder.outputHead;
    this.targetModules = decoder.targetModules;
    this.initialised = about.initialised;
    this.warnings = decoder.warnings;
    this.otherParameters = decoder.otherParameters;
    this.conv1d = decoder.conv1d;
    this.checkpoint = decoder.checkpoint;
    this.fingerprint = decoder.fingerprint;
    this.#decoder = decoder;
  }

  modules(): ReadonlyMap<string, Slot> {
    return this.#decoder.modules();
  }

  original(path: string) {
    return originalIn(this.checkpoint, path);
  }

  hiddenStates(batch: TokenBatch, pass: Pass = inference): Tensor3D[] {
    return this.#decoder.hiddenStates(batch, pass);
  }

  pooled(batch: TokenBatch, pass: Pass = inference): Tensor2D {
    return tf.tidy(() => tf.gather(this.#decoder.hidden(batch, pass), lastTokens(batch)));
  }

  logits(batch: TokenBatch, pass: Pass = inference): Tensor2D {
    return tf.tidy(() => this.#decoder.head.apply(this.pooled(batch, pass), pass) as Tensor2D);
  }

  graphs() {
    return this.#decoder.classifierGraphs();
  }

  dispose(): void {
    this.#decoder.dispose();
  }
}

/** The row of each text's last token among [batch·time]. A text of padding alone has its first column. */
function lastTokens({ ids, mask }: TokenBatch): Tensor1D {
  const [batch, time] = ids.shape;
  const starts = tf.range(0, batch * time, time, 'int32'); // [batch]
  if (mask === undefined) return tf.add<Tensor1D>(starts, tf.scalar(time - 1, 'int32'));
  const columns = tf.mul(tf.cast(mask, 'float32'), tf.range(0, time, 1, 'float32')); // [batch, time]
  return tf.add<Tensor1D>(starts, tf.cast(tf.max(columns, 1), 'int32'));
}
