import type { Adaptable, BaseStorage, Pass } from '@loran/adapter';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Checkpoint } from './checkpoint/checkpoint.js';
import type { LoadProgressOptions } from './checkpoint/load-progress.js';
import type { PackedOptions } from './checkpoint/storages.js';
import type { TokenBatch } from './sequence-classifier.js';
import type { Tokenizer } from './tokenizer/tokenizer.js';

/** How an encoder makes one vector of a text, as sentence-transformers' files say. */
export interface SentencePooling {
  /** The mean over the tokens, or the state of the first. */
  readonly pooling: 'mean' | 'cls';
  /** Whether vectors are scaled to length 1. */
  readonly normalised: boolean;
}

/** A model that makes a vector of a text, near those of texts that mean the same. Adapters can be put on it. */
export interface SentenceEncoder extends Adaptable, SentencePooling {
  /** Name of the model family: 'bert'. */
  readonly family: string;
  readonly tokenizer: Tokenizer;
  /** Most tokens of one text: as sentence-transformers' files say, at most the positions known. */
  readonly maxLength: number;
  /** Numbers in a vector. */
  readonly width: number;
  /** Modules that an adapter goes on where a user names none, as PEFT has them for the family. */
  readonly targetModules: readonly string[];
  /** What a user should know about the checkpoint, such as tensors that nothing uses. */
  readonly warnings: readonly string[];
  /** A vector for each text. Throws INVALID_BATCH, SEQUENCE_TOO_LONG. */
  embed(batch: TokenBatch, pass?: Pass): Tensor2D; // [batch, width]
  /** The embeddings' output, then that of each layer. */
  hiddenStates(batch: TokenBatch, pass?: Pass): Tensor3D[]; // layers + 1 of [batch, time, width]
  /** Where its tensors stand in the files that it was loaded from. */
  readonly checkpoint: Checkpoint;
  dispose(): void;
}

export interface SentenceEncoderOptions extends Partial<SentencePooling>, LoadProgressOptions, PackedOptions {
  /** Storage of the linear layers, one for all or by path; default fp32. Embeddings are always fp32. */
  readonly base?: BaseStorage | ((path: string) => BaseStorage);
}
