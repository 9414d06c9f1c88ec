/** Llama (and Mistral, which llama.cpp calls llama), Qwen2, Qwen3, Gemma 2 and 3 as llama.cpp's converter writes them. */
import { halvesFromPairs } from '../row-order.js';
import { type GgufArchitecture, hasInLayers, llamaNames, rotaryConfig } from './gguf-architecture.js';
import type { GgufFields } from './gguf-fields.js';
import { ropeConfig } from './rope-config.js';

/** Rows of q and k stand in llama.cpp's order. */
export const llamaArchitecture: GgufArchitecture = {
  className: 'LlamaForCausalLM',
  modelTypes: ['llama', 'mistral'],
  config: (fields) => {
    const config = rotaryConfig(fields);
    const width =
      fields.numberOr('attention.key_length') ?? fields.numberOr('rope.dimension_count') ?? config['head_dim'];
    return {
      ...config,
      head_dim: width,
      attention_bias: hasInLayers(fields, 'attn_q.bias'),
      mlp_bias: hasInLayers(fields, 'ffn_up.bias'),
      ...ropeConfig(fields, width as number),
    };
  },
  names: () => llamaNames,
  adapt: (name, _, config) =>
    /\.attn_[qk]\.(weight|bias)$/.test(name) ? { rows: halvesFromPairs(config['head_dim'] as number) } : {},
};

const qwen = (className: string, modelType: string): GgufArchitecture => ({
  className,
  modelTypes: [modelType],
  config: (fields) => {
    const config = rotaryConfig(fields);
    return { ...config, ...ropeConfig(fields, config['head_dim'] as number) };
  },
  names: () => llamaNames,
});

export const qwen2Architecture = qwen('Qwen2ForCausalLM', 'qwen2');
export const qwen3Architecture = qwen('Qwen3ForCausalLM', 'qwen3');

/** Norms stand on both sides of each block. */
export const gemmaNames: typeof llamaNames = {
  ...llamaNames,
  'blk.*.post_attention_norm': 'model.layers.*.post_attention_layernorm',
  'blk.*.ffn_norm': 'model.layers.*.pre_feedforward_layernorm',
  'blk.*.post_ffw_norm': 'model.layers.*.post_feedforward_layernorm',
};

/** Weights of norms are stored with 1 added. */
const gemma = (
  className: string,
  modelTypes: GgufArchitecture['modelTypes'],
  own: (fields: GgufFields) => Record<string, unknown>,
): GgufArchitecture => ({
  className,
  modelTypes,
  config: (fields) => {
    const config = rotaryConfig(fields);
    return {
      ...config,
      ...ropeConfig(fields, config['head_dim'] as number),
      sliding_window: fields.numberOr('attention.sliding_window'),
      final_logit_softcapping: fields.numberOr('final_logit_softcapping') ?? null,
      ...own(fields),
    };
  },
  names: () => gemmaNames,
  adapt: (name) => (name.endsWith('norm.weight') ? { offset: -1 } : {}),
});

export const gemma2Architecture = gemma('Gemma2ForCausalLM', ['gemma2'], (fields) => ({
  query_pre_attn_scalar: queryScale(fields, 46),
  attn_logit_softcapping: fields.numberOr('attn_logit_softcapping') ?? null,
}));

export const gemma3Architecture = gemma('Gemma3ForCausalLM', ['gemma3_text'], (fields) => ({
  query_pre_attn_scalar: queryScale(fields, 62),
  rope_theta: fields.numberOr('rope.freq_base') ?? 1e6,
  rope_local_base_freq: fields.numberOr('rope.freq_base_swa') ?? 10000,
  sliding_window_pattern: fields.numberOr('attention.sliding_window_pattern') ?? 6,
}));

/** The files do not keep it: as llama.cpp has it, a head's share of the features in the 27 B models, known by their layers. */
function queryScale(fields: GgufFields, layersOf27B: number): number {
  const share = fields.number('embedding_length') / fields.number('attention.head_count');
  return fields.number('block_count') === layersOf27B ? share : (fields.numberOr('attention.key_length') ?? share);
}
