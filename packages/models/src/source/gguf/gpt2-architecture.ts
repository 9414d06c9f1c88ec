/** GPT-2 as llama.cpp's converter writes it: the weights of its Conv1D layers are turned round to [out, in]. */
import type { GgufArchitecture } from './gguf-architecture.js';

export const gpt2Names: Readonly<Record<string, string>> = {
  token_embd: 'transformer.wte',
  position_embd: 'transformer.wpe',
  output_norm: 'transformer.ln_f',
  output: 'lm_head',
  'blk.*.attn_norm': 'transformer.h.*.ln_1',
  'blk.*.attn_qkv': 'transformer.h.*.attn.c_attn',
  'blk.*.attn_output': 'transformer.h.*.attn.c_proj',
  'blk.*.ffn_norm': 'transformer.h.*.ln_2',
  'blk.*.ffn_up': 'transformer.h.*.mlp.c_fc',
  'blk.*.ffn_down': 'transformer.h.*.mlp.c_proj',
};

export const gpt2Architecture: GgufArchitecture = {
  className: 'GPT2LMHeadModel',
  modelTypes: ['gpt2'],
  config: (fields) => ({
    n_embd: fields.number('embedding_length'),
    n_layer: fields.number('block_count'),
    n_head: fields.number('attention.head_count'),
    n_inner: fields.number('feed_forward_length'),
    n_positions: fields.number('context_length'),
    layer_norm_epsilon: fields.number('attention.layer_norm_epsilon'),
    tie_word_embeddings: !fields.file.tensors.has('output.weight'),
  }),
  names: () => gpt2Names,
  adapt: (name) => (/\.(attn_qkv|attn_output|ffn_up|ffn_down)\.weight$/.test(name) ? { transposed: true } : {}),
};
