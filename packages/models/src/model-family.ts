import type { TensorFile } from '@loran/formats';
import type { Plugin } from '@loran/plugin';
import type { LanguageModel, LanguageModelOptions } from './language-model.js';
import type { SentenceEncoder, SentenceEncoderOptions } from './sentence-encoder.js';
import type { SequenceClassifier, SequenceClassifierOptions } from './sequence-classifier.js';
import type { SequenceToSequenceModel } from './sequence-to-sequence-model.js';
import type { Tokenizer } from './tokenizer/tokenizer.js';

/** A model's files, opened: a Hugging Face folder, or another format brought into its terms. */
export interface ModelSource {
  /** The folder or file, as errors give it. */
  readonly name: string;
  /** config.json, unvalidated: the family checks it. */
  readonly config: Readonly<Record<string, unknown>>;
  /** generation_config.json, where there is one. */
  readonly generation?: Readonly<Record<string, unknown>>;
  /** What sentence-transformers adds, unvalidated: modules.json, the config.json of its Pooling, sentence_bert_config.json. */
  readonly sentence?: { readonly modules: unknown; readonly pooling: unknown; readonly settings: unknown };
  /** Under Hugging Face names. */
  readonly weights: TensorFile;
  readonly tokenizer: Tokenizer;
}

/** A kind of model: how its files become slots and tfjs ops, for each task that it can serve. */
export interface ModelFamily extends Plugin {
  readonly kind: 'model-family';
  /** Values of `model_type` in config.json that it understands. */
  readonly modelTypes: readonly string[];
  /** Entries of `architectures` that it understands, for folders without a `model_type`. */
  readonly architectures: readonly string[];
  /**
   * Last names of the modules that have a row for each token, such as 'embed_tokens' and 'lm_head': they can be resized, and are
   * trained where tokens are added. None when omitted: the vocabulary stays as it is.
   */
  readonly vocabularyModules?: readonly string[];
  /** The caller closes `source.weights`, here and below. */
  sequenceClassifier?(source: ModelSource, options: SequenceClassifierOptions): Promise<SequenceClassifier>;
  languageModel?(source: ModelSource, options: LanguageModelOptions): Promise<LanguageModel>;
  sentenceEncoder?(source: ModelSource, options: SentenceEncoderOptions): Promise<SentenceEncoder>;
  sequenceToSequenceModel?(source: ModelSource, options: LanguageModelOptions): Promise<SequenceToSequenceModel>;
}
