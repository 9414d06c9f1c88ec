/** A causal language model as a stack of blocks over embeddings: what the families of decoders have in common. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { inference, type Pass, type Slot } from '@loran/adapter';
import type { Checkpoint } from '../checkpoint/checkpoint.js';
import { originalIn } from '../checkpoint/original-values.js';
import { conv1dPaths, disposeModules, type LoadedModules, normParameters } from '../checkpoint/load-modules.js';
import type { LanguageModel } from '../language-model.js';
import { headLosses, headScores, type OutputHead } from '../layers/head-loss.js';
import type { Norm } from '../layers/norm.js';
import type { TokenBatch } from '../sequence-classifier.js';
import { notExportable } from '../export/export-error.js';
import {
  type DecoderGraph,
  type DecoderHead,
  writeDecoderClassifier,
  writeLanguageModel,
} from '../onnx/decoder-graph.js';
import type { ModelGraph } from '../onnx/model-graph.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { type CacheShape, KeyValueCache } from './key-value-cache.js';
import { Sequence } from './sequence.js';

/** One layer: attention and feed-forward with their additions. x and the result are [batch·time, width]. */
export interface DecoderBlock {
  apply(x: Tensor2D, sequence: Sequence, pass: Pass): Tensor2D;
}

export interface DecoderParts {
  readonly family: string;
  readonly tokenizer: Tokenizer;
  readonly maxLength: number;
  /** Rows of the token embedding. */
  readonly vocabulary: number;
  readonly width: number;
  readonly endIds: readonly number[];
  readonly targetModules: readonly string[];
  readonly warnings: readonly string[];
  /** Disposed with the model. */
  readonly modules: LoadedModules;
  /** What the first block reads. -> [batch·time, width] */
  readonly embed: (sequence: Sequence, pass: Pass) => Tensor2D;
  readonly blocks: readonly DecoderBlock[];
  /** After the last block. */
  readonly norm: Norm;
  /** Scores of the next token, or of labels. */
  readonly head: Slot;
  /** Scores z become c·tanh(z / c) (Gemma 2); default: as they are. */
  readonly scoreCap?: number | undefined;
  /** Factor of the scores; default 1. */
  readonly scoreScale?: number;
  readonly cacheShape: CacheShape;
  /** The same in ONNX operators; none: the family cannot be written as ONNX. */
  readonly graph?: DecoderGraph;
}

export class Decoder implements LanguageModel {
  readonly family: string;
  readonly tokenizer: Tokenizer;
  readonly maxLength: number;
  readonly vocabularySize: number;
  readonly width: number;
  readonly endIds: readonly number[];
  readonly outputHead: readonly string[];
  readonly targetModules: readonly string[];
  readonly warnings: readonly string[];
  readonly otherParameters: number;
  readonly conv1d: ReadonlySet<string>;
  readonly tied: ReadonlyMap<string, string>;
  readonly checkpoint: Checkpoint;
  readonly fingerprint: string;
  readonly #parts: DecoderParts;
  readonly #head: OutputHead;

  constructor(parts: DecoderParts) {
    this.family = parts.family;
    this.tokenizer = parts.tokenizer;
    this.maxLength = parts.maxLength;
    this.vocabularySize = parts.vocabulary;
    this.width = parts.width;
    this.endIds = parts.endIds;
    this.outputHead = [parts.head.path];
    this.targetModules = parts.targetModules;
    this.warnings = parts.warnings;
    this.otherParameters = normParameters(parts.modules);
    this.conv1d = conv1dPaths(parts.modules);
    this.tied = parts.modules.tied;
    this.checkpoint = parts.modules;
    this.fingerprint = parts.modules.fingerprint;
    this.#parts = parts;
    this.#head = { slot: parts.head, cap: parts.scoreCap, scale: parts.scoreScale };
  }

  /** Throws NOT_EXPORTABLE for a family without ONNX operators. */
  #graphParts(): Required<Pick<DecoderParts, 'graph' | 'cacheShape'>> {
    const { graph, cacheShape } = this.#parts;
    if (graph !== undefined) return { graph, cacheShape };
    throw notExportable(
      `The family '${this.family}' does not say how its layers are written in ONNX. Merge into a Hugging Face folder (--to hf), or give the family's Decoder a \`graph\`.`,
    );
  }

  get #graphHead(): DecoderHead {
    const { slot, cap, scale } = this.#head;
    return { path: slot.path, outputs: slot.frozen.rows, cap, scale };
  }

  modules(): ReadonlyMap<string, Slot> {
    return this.#parts.modules.slots;
  }

  original(path: string) {
    return originalIn(this.checkpoint, path);
  }

  /** The linear layer on top: scores of the next token, or of labels. */
  get head(): Slot {
    return this.#parts.head;
  }

  /** The embeddings, then the output of each layer, the last one normalised, as transformers gives them. */
  hiddenStates(batch: TokenBatch, pass: Pass = inference): Tensor3D[] {
    return tf.tidy(() => {
      const { embed, blocks, norm } = this.#parts;
      const sequence = new Sequence(batch, this.maxLength);
      try {
        const states = [embed(sequence, pass)];
        for (const block of blocks) states.push(block.apply(states.at(-1)!, sequence, pass));
        states.push(norm.apply(states.pop()!));
        return states.map((state) => tf.reshape(state, [sequence.batch, sequence.time, this.width]));
      } finally {
        sequence.dispose();
      }
    });
  }

  hidden(batch: TokenBatch, pass: Pass = inference, cache?: KeyValueCache): Tensor2D {
    return tf.tidy(() => {
      const { embed, blocks, norm } = this.#parts;
      const sequence = new Sequence(batch, this.maxLength, cache);
      try {
        let x = embed(sequence, pass);
        for (const block of blocks) x = block.apply(x, sequence, pass);
        cache?.advance(sequence.time);
        return norm.apply(x);
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
    return new KeyValueCache(this.#parts.cacheShape, batch, capacity);
  }

  graphs() {
    const { graph: family, cacheShape } = this.#graphParts();
    return { model: (graph: ModelGraph) => writeLanguageModel(graph, family, this.#graphHead, cacheShape) };
  }

  /** Those of a decoder with `score` for a head. */
  classifierGraphs() {
    const { graph: family, cacheShape } = this.#graphParts();
    return { model: (graph: ModelGraph) => writeDecoderClassifier(graph, family, this.#graphHead, cacheShape.layers) };
  }

  dispose(): void {
    disposeModules(this.#parts.modules);
  }
}
