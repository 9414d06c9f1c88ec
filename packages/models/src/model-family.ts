import type { TensorFile } from '@loran/formats';
import type { Plugin } from '@loran/plugin';
import type { SequenceClassifier, SequenceClassifierOptions } from './sequence-classifier.js';
import type { Tokenizer } from './tokenizer/tokenizer.js';

/** A model folder, opened. */
export interface ModelSource {
  readonly folder: string;
  /** config.json, unvalidated: the family checks it. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly weights: TensorFile;
  readonly tokenizer: Tokenizer;
}

/** A kind of model: how its folder becomes slots and tfjs ops. */
export interface ModelFamily extends Plugin {
  readonly kind: 'model-family';
  /** Values of `model_type` in config.json that it understands. */
  readonly modelTypes: readonly string[];
  /** Entries of `architectures` that it understands, for folders without a `model_type`. */
  readonly architectures: readonly string[];
  /** The caller closes `source.weights`. */
  sequenceClassifier(source: ModelSource, options: SequenceClassifierOptions): Promise<SequenceClassifier>;
}
