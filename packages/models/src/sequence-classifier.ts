import type { Adaptable, BaseStorage, Pass } from '@loran/adapter';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Checkpoint } from './checkpoint/checkpoint.js';
import type { LoadProgressOptions } from './checkpoint/load-progress.js';
import type { PackedOptions } from './checkpoint/storages.js';
import type { Tokenizer } from './tokenizer/tokenizer.js';

/** A rectangle of token ids. */
export interface TokenBatch {
  readonly ids: Tensor2D; // [batch, time] int32
  /** 1 for a token, 0 for padding; left out when nothing is padded, which saves its additions. */
  readonly mask?: Tensor2D; // [batch, time]
  /** Segment of each token, for pairs of texts; default all 0. */
  readonly tokenTypes?: Tensor2D; // [batch, time] int32
}

/**
 * How one vector is made of a text: 'cls' takes the first token, as transformers' classifiers on encoders do; 'mean' averages
 * over the tokens, as sentence-transformers does; 'last' takes the last token, as transformers' classifiers on causal models.
 */
export type Pooling = 'cls' | 'mean' | 'last';

/** A model that sorts texts into labels, and that adapters can be put on. */
export interface SequenceClassifier extends Adaptable {
  /** Name of the model family: 'bert'. */
  readonly family: string;
  readonly labels: readonly string[];
  readonly pooling: Pooling;
  readonly tokenizer: Tokenizer;
  /** Most tokens of one text. */
  readonly maxLength: number;
  readonly outputHead: readonly string[];
  /** Names of the modules that make up the head, for an adapter's `modulesToSave`: 'classifier', as PEFT names them. */
  readonly headModules: readonly string[];
  /** Modules that an adapter goes on where a user names none, as PEFT has them for the family. */
  readonly targetModules: readonly string[];
  /** Paths of modules that the checkpoint lacked and that start from random values: they must be trained. */
  readonly initialised: readonly string[];
  /** What a user should know about the checkpoint, such as tensors that nothing uses. */
  readonly warnings: readonly string[];
  /** One score for each label, before the softmax. */
  logits(batch: TokenBatch, pass?: Pass): Tensor2D; // [batch, labels]
  /** The vectors that the classifier sees. */
  pooled(batch: TokenBatch, pass?: Pass): Tensor2D; // [batch, width]
  /** The embeddings' output, then that of each layer. */
  hiddenStates(batch: TokenBatch, pass?: Pass): Tensor3D[]; // layers + 1 of [batch, time, width]
  /** Where its tensors stand in the files that it was loaded from. */
  readonly checkpoint: Checkpoint;
  dispose(): void;
}

export interface SequenceClassifierOptions extends LoadProgressOptions, PackedOptions {
  /** Names of the labels; default: those of the checkpoint's own classifier. */
  readonly labels?: readonly string[];
  /** Storage of the linear layers, one for all or by path; default fp32. Embeddings and the classifier are always fp32. */
  readonly base?: BaseStorage | ((path: string) => BaseStorage);
  /** Default: what config.json says in `classifier_pooling`, else 'cls' for encoders and 'last' for causal models. */
  readonly head?: Pooling;
  /** Seed of a new classifier; default 0. */
  readonly seed?: number;
  /** Begin a new classifier although the checkpoint has one; default false. */
  readonly freshClassifier?: boolean;
}
