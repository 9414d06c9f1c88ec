/** Anything wrong with a file of tensors, or with reading and writing one. The message names the file and the tensor. */
import { LoranError } from '@loran/plugin';

export type TensorFileErrorCode =
  | 'FILE_NOT_FOUND'
  | 'FILE_UNREADABLE'
  | 'FILE_CLOSED'
  | 'FILE_CHANGED'
  | 'FILE_TRUNCATED'
  | 'FILE_PARTS'
  | 'SAFETENSORS_TRUNCATED'
  | 'SAFETENSORS_HEADER'
  | 'SAFETENSORS_DTYPE'
  | 'SAFETENSORS_SHAPE'
  | 'SAFETENSORS_OFFSETS'
  | 'SAFETENSORS_INDEX'
  | 'GGUF_HEADER'
  | 'GGUF_VERSION'
  | 'GGUF_SPLIT'
  | 'GGUF_TRUNCATED'
  | 'GGUF_TYPE'
  | 'GGUF_SHAPE'
  | 'GGUF_OFFSETS'
  | 'LLAMA2C_HEADER'
  | 'LLAMA2C_SIZE'
  | 'LLAMA2C_TOKENIZER'
  | 'TORCH_LEGACY'
  | 'TORCH_ZIP'
  | 'TORCH_PICKLE'
  | 'TORCH_TENSOR'
  | 'TENSOR_NOT_FOUND'
  | 'TENSOR_NOT_FLOAT'
  | 'TENSOR_TOO_LARGE'
  | 'INVALID_TENSOR'
  | 'INVALID_METADATA'
  | 'WRITE_FAILED';

export class TensorFileError extends LoranError<TensorFileErrorCode> {
  /** The file that the error is about. */
  readonly file: string;

  constructor(code: TensorFileErrorCode, file: string, message: string, options?: { cause?: unknown }) {
    super(code, `${file}: ${message}`, options);
    this.name = 'TensorFileError';
    this.file = file;
  }
}
