/** What one architecture of llama.cpp is in Hugging Face's terms. */
import type { TensorInfo } from '@loran/formats';
import type { Adaptation } from '../adapted-file.js';
import type { GgufFields } from './gguf-fields.js';

type Config = Record<string, unknown>;

export interface GgufArchitecture {
  /** Entry of `architectures` in config.json. */
  readonly className: string;
  /** Values of `model_type` that a config.json beside the file may have; the first stands for the architecture itself. */
  readonly modelTypes: readonly [string, ...string[]];
  /** The fields of config.json that are this architecture's own. */
  config(fields: GgufFields): Config;
  /** Names without '.weight' and '.bias': llama.cpp's -> Hugging Face's; * is the layer's number. */
  names(fields: GgufFields): Readonly<Record<string, string>>;
  /** What is undone in a tensor, by llama.cpp's full name; default nothing. */
  adapt?(name: string, info: TensorInfo, config: Config): Omit<Adaptation, 'stored'>;
}

/** Whether the first layer has such a tensor: 'attn_q.bias'. */
export const hasInLayers = ({ file }: GgufFields, name: string): boolean => file.tensors.has(`blk.0.${name}`);

/** The fields that all transformers' decoders with rotary positions share. */
export function rotaryConfig(fields: GgufFields): Config {
  const heads = fields.number('attention.head_count');
  const width = fields.number('embedding_length');
  return {
    hidden_size: width,
    intermediate_size: fields.number('feed_forward_length'),
    num_hidden_layers: fields.number('block_count'),
    num_attention_heads: heads,
    num_key_value_heads: fields.numberOr('attention.head_count_kv') ?? heads,
    head_dim: fields.numberOr('attention.key_length') ?? width / heads,
    max_position_embeddings: fields.number('context_length'),
    rms_norm_eps: fields.number('attention.layer_norm_rms_epsilon'),
    tie_word_embeddings: !fields.file.tensors.has('output.weight'),
  };
}

/** Llama's modules, which most decoders have. */
export const llamaNames: Readonly<Record<string, string>> = {
  token_embd: 'model.embed_tokens',
  output_norm: 'model.norm',
  output: 'lm_head',
  'blk.*.attn_norm': 'model.layers.*.input_layernorm',
  'blk.*.attn_q': 'model.layers.*.self_attn.q_proj',
  'blk.*.attn_k': 'model.layers.*.self_attn.k_proj',
  'blk.*.attn_v': 'model.layers.*.self_attn.v_proj',
  'blk.*.attn_output': 'model.layers.*.self_attn.o_proj',
  'blk.*.attn_q_norm': 'model.layers.*.self_attn.q_norm',
  'blk.*.attn_k_norm': 'model.layers.*.self_attn.k_norm',
  'blk.*.ffn_norm': 'model.layers.*.post_attention_layernorm',
  'blk.*.ffn_gate': 'model.layers.*.mlp.gate_proj',
  'blk.*.ffn_up': 'model.layers.*.mlp.up_proj',
  'blk.*.ffn_down': 'model.layers.*.mlp.down_proj',
};
