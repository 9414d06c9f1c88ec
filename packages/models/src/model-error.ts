/** Anything wrong with a model folder, or with what a model is asked to compute. The message names the file and the field. */
import { LoranError } from '@loran/plugin';

export type ModelErrorCode =
  | 'MODEL_NOT_FOUND'
  | 'INVALID_MODEL_CONFIG'
  | 'UNKNOWN_MODEL_FAMILY'
  | 'UNSUPPORTED_TASK'
  | 'TOKENIZER_NOT_FOUND'
  | 'INVALID_TOKENIZER'
  | 'INVALID_ADDED_TOKENS'
  | 'VOCABULARY_FIXED'
  | 'NO_CHAT_TEMPLATE'
  | 'CHAT_TEMPLATE'
  | 'MISSING_WEIGHTS'
  | 'WEIGHT_SHAPES'
  | 'INVALID_LABELS'
  | 'INVALID_BATCH'
  | 'SEQUENCE_TOO_LONG';

export class ModelError extends LoranError<ModelErrorCode> {
  constructor(code: ModelErrorCode, message: string, options?: { cause?: unknown }) {
    super(code, message, options);
    this.name = 'ModelError';
  }
}
