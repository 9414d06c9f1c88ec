import type { Adaptable, BaseStorage, Pass } from '@loran/adapter';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Checkpoint } from './checkpoint/checkpoint.js';
import type { LoadProgressOptions } from './checkpoint/load-progress.js';
import type { PackedOptions } from './checkpoint/storages.js';
import type { KeyValueCache } from './decoder/key-value-cache.js';
import type { TokenBatch } from './sequence-classifier.js';
import type { Tokenizer } from './tokenizer/tokenizer.js';

/** A causal language model: each token is predicted from those before it. Adapters can be put on it. */
export interface LanguageModel extends Adaptable {
  /** Name of the model family: 'llama'. */
  readonly family: string;
  readonly tokenizer: Tokenizer;
  /** Most tokens of one text (max_position_embeddings). */
  readonly maxLength: number;
  /** Rows of the output head; ids are 0 … vocabularySize − 1. */
  readonly vocabularySize: number;
  /** Features of a hidden state. */
  readonly width: number;
  /** Ids that end a text, as generation_config.json or config.json names them. */
  readonly endIds: readonly number[];
  readonly outputHead: readonly string[];
  /** Modules that an adapter goes on where a user names none, as PEFT has them for the family. */
  readonly targetModules: readonly string[];
  /** What a user should know about the checkpoint, such as tensors that nothing uses. */
  readonly warnings: readonly string[];
  /**
   * The last hidden states, normalised: what the head reads. Rows are texts in order, flattened.
   *
   * With a `cache` the batch continues the texts in it, and its keys and values are added there; a mask then covers the
   * new tokens alone. Positions count the tokens that are no padding, so padding may stand on either side.
   * Throws INVALID_BATCH, SEQUENCE_TOO_LONG.
   */
  hidden(batch: TokenBatch, pass?: Pass, cache?: KeyValueCache): Tensor2D; // [batch·time, width]
  /** Scores of the next token for rows of hidden states, before the softmax. */
  scores(hidden: Tensor2D, pass?: Pass): Tensor2D; // [rows, vocabularySize]
  /**
   * Cross-entropy of each row of hidden states against the token that follows it, in nats. The scores of all rows are never
   * held at once while the head is frozen. targets [rows] int32
   */
  losses(hidden: Tensor2D, targets: Tensor1D, pass?: Pass): Tensor1D; // [rows]
  /** An empty cache for `batch` texts of at most `capacity` tokens. The caller disposes it. */
  newCache(batch: number, capacity: number): KeyValueCache;
  /** Where its tensors stand in the files that it was loaded from. */
  readonly checkpoint: Checkpoint;
  dispose(): void;
}

export interface LanguageModelOptions extends LoadProgressOptions, PackedOptions {
  /** Storage of the linear layers, one for all or by path; default fp32. */
  readonly base?: BaseStorage | ((path: string) => BaseStorage);
  /** Storage of embeddings and of an output head of its own; default fp32. */
  readonly embeddings?: BaseStorage;
}
