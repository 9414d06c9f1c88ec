/**
 * Falcon as llama.cpp's converter writes it: query_key_value holds the rows of all queries, of all keys, then of all values,
 * where Hugging Face keeps for each key head its queries, itself and its value together.
 */
import type { RowOrder } from '../row-order.js';
import { type GgufArchitecture, hasInLayers } from './gguf-architecture.js';

/** `twoNorms`: whether attention and feed-forward have norms of their own. */
export const falconNames = (twoNorms: boolean): Readonly<Record<string, string>> => ({
  token_embd: 'transformer.word_embeddings',
  output_norm: 'transformer.ln_f',
  output: 'lm_head',
  ...(twoNorms
    ? { 'blk.*.attn_norm': 'transformer.h.*.ln_mlp', 'blk.*.attn_norm_2': 'transformer.h.*.ln_attn' }
    : { 'blk.*.attn_norm': 'transformer.h.*.input_layernorm' }),
  'blk.*.attn_qkv': 'transformer.h.*.self_attention.query_key_value',
  'blk.*.attn_output': 'transformer.h.*.self_attention.dense',
  'blk.*.ffn_up': 'transformer.h.*.mlp.dense_h_to_4h',
  'blk.*.ffn_down': 'transformer.h.*.mlp.dense_4h_to_h',
});

export const falconArchitecture: GgufArchitecture = {
  className: 'FalconForCausalLM',
  modelTypes: ['falcon'],
  config: (fields) => {
    const heads = fields.number('attention.head_count');
    const keyHeads = fields.numberOr('attention.head_count_kv') ?? heads;
    return {
      hidden_size: fields.number('embedding_length'),
      num_hidden_layers: fields.number('block_count'),
      num_attention_heads: heads,
      num_kv_heads: keyHeads,
      ffn_hidden_size: fields.number('feed_forward_length'),
      max_position_embeddings: fields.number('context_length'),
      layer_norm_epsilon: fields.number('attention.layer_norm_epsilon'),
      rope_theta: fields.numberOr('rope.freq_base') ?? 10000,
      multi_query: keyHeads === 1,
      new_decoder_architecture: keyHeads !== 1,
      num_ln_in_parallel_attn: hasInLayers(fields, 'attn_norm_2.weight') ? 2 : 1,
      parallel_attn: true,
      bias: hasInLayers(fields, 'attn_qkv.bias'),
      alibi: false,
      tie_word_embeddings: !fields.file.tensors.has('output.weight'),
    };
  },
  names: (fields) => falconNames(hasInLayers(fields, 'attn_norm_2.weight')),
  adapt: (name, { shape }, config) => {
    const keyHeads = config['num_kv_heads'] as number;
    if (!name.endsWith('.attn_qkv.weight') || keyHeads === 1) return {}; // one group: the orders are the same
    return { rows: grouped(config['num_attention_heads'] as number, keyHeads, shape[0] ?? 0) };
  },
};

/** The whole matrix is one group: a key head's rows come from three places far apart. */
function grouped(heads: number, keyHeads: number, rows: number): RowOrder {
  const width = rows / (heads + 2 * keyHeads);
  const share = heads / keyHeads;
  const headRows = (head: number) => Array.from({ length: width }, (_, i) => head * width + i);
  return {
    group: rows,
    stored: Array.from({ length: keyHeads }, (_, key) => [
      ...Array.from({ length: share }, (_, i) => headRows(key * share + i)).flat(),
      ...headRows(heads + key),
      ...headRows(heads + keyHeads + key),
    ]).flat(),
  };
}
