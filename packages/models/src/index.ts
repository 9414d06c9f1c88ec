export { bert } from './bert/bert.js';
export type { ChatMessage, ChatTemplateOptions } from './chat/chat-message.js';
export { defineDecoderFamily, type DecoderFamilyOptions } from './decoder/decoder-family.js';
export { KeyValueCache, type CacheShape } from './decoder/key-value-cache.js';
export { llamaFields, llamaOptions } from './decoder/llama-options.js';
export { loadRotaryDecoder, type RotaryDecoderOptions } from './decoder/rotary-decoder.js';
export { loadGgufAdapter, type LoadGgufAdapterOptions } from './export/gguf/load-gguf-adapter.js';
export { saveGguf, type GgufModelType, type SaveGgufOptions } from './export/gguf/save-gguf.js';
export { saveGgufAdapter, type SaveGgufAdapterOptions } from './export/gguf/save-gguf-adapter.js';
export { saveOnnx, type SaveOnnxOptions } from './export/onnx/save-onnx.js';
export { saveOnnxAdapter } from './export/onnx/save-onnx-adapter.js';
export { saveTokenizer } from './export/tokenizer-folder.js';
export { saveMergedModel, type SavedModel, type SaveMergedModelOptions } from './export/save-merged-model.js';
export { mergedWeights, type MergedWeights, type StoredModel } from './export/merged-weights.js';
export { parseModelConfig } from './folder/parse-model-config.js';
export { gemma2, gemma3 } from './gemma/gemma.js';
export {
  generate,
  generateTexts,
  type FinishReason,
  type GeneratedText,
  type GeneratedToken,
  type GenerationContext,
} from './generation/generate.js';
export { generateFrom } from './generation/generate-from.js';
export type { GenerationOptions } from './generation/generation-options.js';
export type { LanguageModel, LanguageModelOptions } from './language-model.js';
export { llama, mistral, qwen2, qwen3 } from './llama/llama.js';
export { ModelError, type ModelErrorCode } from './model-error.js';
export { modelFamilies } from './model-families.js';
export type { ModelFamily, ModelSource } from './model-family.js';
export {
  familyOfModel,
  loadLanguageModel,
  loadSentenceEncoder,
  loadSequenceClassifier,
  loadSequenceToSequenceModel,
  type Loading,
} from './open-model.js';
export type { DecoderGraph } from './onnx/decoder-graph.js';
export { AbsentWeights } from './source/absent-weights.js';
export { openConfiguration } from './source/open-configuration.js';
export { openModel } from './source/open-source.js';
export { fetchModel, type FetchedModel, type ModelDownload } from './source/fetch-model.js';
export type { Pooling, SequenceClassifier, SequenceClassifierOptions, TokenBatch } from './sequence-classifier.js';
export type { SentenceEncoder, SentenceEncoderOptions, SentencePooling } from './sentence-encoder.js';
export type { EncodedTexts, SequenceToSequenceModel } from './sequence-to-sequence-model.js';
export { addTokens } from './tokenizer/add-tokens.js';
export { loadTokenizer } from './tokenizer/load-tokenizer.js';
export type { TextStream } from './tokenizer/text-stream.js';
export type { DecodeOptions, EncodeOptions, Tokenizer } from './tokenizer/tokenizer.js';
export { withAddedTokens, withVocabulary, type Vocabulary } from './vocabulary/with-vocabulary.js';
