import type { Adaptable, Pass } from '@loran/adapter';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Checkpoint } from './checkpoint/checkpoint.js';
import type { KeyValueCache } from './decoder/key-value-cache.js';
import type { TokenBatch } from './sequence-classifier.js';
import type { Tokenizer } from './tokenizer/tokenizer.js';

/** Texts as the encoder hands them to the decoder. */
export interface EncodedTexts {
  /** Rows are texts in order, flattened. The caller disposes them. */
  readonly states: Tensor2D; // [batch·time, width]
  readonly batch: number;
  readonly time: number;
  /** That of the batch, still the caller's; none: nothing is padded. */
  readonly mask?: Tensor2D; // [batch, time]
}

/** A model that reads one text and writes another: T5. Adapters can be put on it. */
export interface SequenceToSequenceModel extends Adaptable {
  /** Name of the model family: 't5'. */
  readonly family: string;
  readonly tokenizer: Tokenizer;
  /** Tokens of one text that it was trained on; positions are relative, so longer ones are no error. */
  readonly maxLength: number;
  /** Rows of the output head; ids are 0 … vocabularySize − 1. */
  readonly vocabularySize: number;
  /** Features of a hidden state. */
  readonly width: number;
  /** Ids that end a text, as generation_config.json or config.json names them. */
  readonly endIds: readonly number[];
  /** The decoder's first token, before any that it writes: its inputs are this one, then the labels but the last. */
  readonly startId: number;
  readonly outputHead: readonly string[];
  /** Modules that an adapter goes on where a user names none, as PEFT has them for the family. */
  readonly targetModules: readonly string[];
  /** What a user should know about the checkpoint, such as tensors that nothing uses. */
  readonly warnings: readonly string[];
  /** Reads texts. Throws INVALID_BATCH. */
  encode(batch: TokenBatch, pass?: Pass): EncodedTexts;
  /**
   * The decoder's last hidden states, normalised: what the head reads. `batch` holds what has been written of each text.
   *
   * With a `cache` the batch continues the texts in it, and what the decoder makes of the encoded texts is computed once.
   * Throws INVALID_BATCH.
   */
  hidden(batch: TokenBatch, encoded: EncodedTexts, pass?: Pass, cache?: KeyValueCache): Tensor2D; // [batch·time, width]
  /** Scores of the next token for rows of hidden states, before the softmax. */
  scores(hidden: Tensor2D, pass?: Pass): Tensor2D; // [rows, vocabularySize]
  /** The cross-entropy of each row against the token that follows, without ever holding all rows' scores. targets [rows] int32 */
  losses(hidden: Tensor2D, targets: Tensor1D, pass?: Pass): Tensor1D; // [rows]
  /** An empty cache for `batch` texts of at most `capacity` written tokens. The caller disposes it. */
  newCache(batch: number, capacity: number): KeyValueCache;
  /** Where its tensors stand in the files that it was loaded from. */
  readonly checkpoint: Checkpoint;
  dispose(): void;
}
