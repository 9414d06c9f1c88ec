/** A model repository as they are found: weights several times over, files of other frameworks, folders. */
import { createHash } from 'node:crypto';

/** Bytes that look like weights: neither repeated nor compressible, the same in each run. */
export function bytes(length: number, seed = 'weights'): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, i) => createHash('sha256').update(`${seed} ${i}`).digest());
  return Buffer.concat(blocks).subarray(0, length);
}

export const weights = bytes(3_000_000);

export const model: Readonly<Record<string, Buffer | string>> = {
  'README.md': '# Tiny\n',
  'config.json': '{"model_type":"llama"}',
  'generation_config.json': '{}',
  'tokenizer.json': bytes(70_000, 'tokenizer'),
  'tokenizer_config.json': '{}',
  'chat_template.jinja': '{{ messages }}',
  'model.safetensors': weights,
  'consolidated.safetensors': bytes(1000, 'again'),
  'pytorch_model.bin': bytes(1000, 'torch'),
  'onnx/model.onnx': bytes(1000, 'onnx'),
  '1_Pooling/config.json': '{"pooling_mode_mean_tokens":true}',
};

export const modelPaths = [
  '1_Pooling/config.json',
  'chat_template.jinja',
  'config.json',
  'generation_config.json',
  'model.safetensors',
  'tokenizer.json',
  'tokenizer_config.json',
];
