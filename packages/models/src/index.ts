export { bert } from './bert/bert.js';
export { loadSequenceClassifier } from './load-sequence-classifier.js';
export { ModelError, type ModelErrorCode } from './model-error.js';
export { modelFamilies } from './model-families.js';
export type { ModelFamily, ModelSource } from './model-family.js';
export type { Pooling, SequenceClassifier, SequenceClassifierOptions, TokenBatch } from './sequence-classifier.js';
export { loadTokenizer } from './tokenizer/load-tokenizer.js';
export type { Tokenizer } from './tokenizer/tokenizer.js';
