/**
 * Gemma 2 and the text models of Gemma 3: Llama's blocks with normalisation on both sides, embeddings times √width, stored
 * norm weights of γ − 1, and layers that see a window or everything by turns.
 *
 * Gemma 2 bends attention and output scores with tanh; Gemma 3 normalises queries and keys instead, and turns the windowed
 * layers by a smaller base. Gemma Team 2024, 2025 (arXiv 2408.00118, 2503.19786).
 */
import { z } from 'zod';
import {
  activation,
  endIdsOf,
  headWidthOf,
  rotaryDecoderFields,
  rotaryOf,
  size,
  windows,
} from '../decoder/decoder-config.js';
import { parseModelConfig } from '../folder/parse-model-config.js';
import { defineDecoderFamily } from '../decoder/decoder-family.js';
import { loadRotaryDecoder, type RotaryDecoderOptions } from '../decoder/rotary-decoder.js';
import type { ModelSource } from '../model-family.js';
import { version } from '../version.js';

const schema = z.object({
  ...rotaryDecoderFields,
  head_dim: size.default(256),
  hidden_activation: activation.nullish(),
  tie_word_embeddings: z.boolean().default(true),
  attention_bias: z.boolean().default(false),
  query_pre_attn_scalar: z.number().positive().default(256),
  sliding_window: size.nullish(),
  layer_types: z.array(z.string()).nullish(),
  attn_logit_softcapping: z.number().positive().nullish(),
  final_logit_softcapping: z.number().positive().nullish(),
  use_bidirectional_attention: z.literal(false).nullish(),
});

const gemma3Schema = schema.extend({
  rope_local_base_freq: z.number().positive().default(10000),
  sliding_window_pattern: size.default(6),
});

export const gemma2 = defineDecoderFamily({
  name: 'gemma2',
  package: '@loran/models',
  version,
  modelTypes: ['gemma2'],
  architectures: ['Gemma2ForCausalLM', 'Gemma2Model'],
  load: (source, kept) => {
    const config = parseModelConfig(source.name, 'Gemma 2', schema, {
      attn_logit_softcapping: 50,
      final_logit_softcapping: 30,
      sliding_window: 4096,
      ...source.config,
    });
    const facts = common(source, config);
    const rotary = rotaryOf(source.name, config, facts);
    const options = {
      ...facts,
      family: 'gemma2',
      rotary: () => rotary,
      window: windows(config.sliding_window, config.layer_types, (layer) => layer % 2 === 0),
      attentionCap: config.attn_logit_softcapping ?? undefined,
    };
    return loadRotaryDecoder(source, options, kept);
  },
});

export const gemma3 = defineDecoderFamily({
  name: 'gemma3',
  package: '@loran/models',
  version,
  modelTypes: ['gemma3_text', 'gemma3'],
  architectures: ['Gemma3ForCausalLM', 'Gemma3TextModel', 'Gemma3ForConditionalGeneration'],
  load: (source, kept) => {
    const text = source.config['text_config']; // of a model with images, the text model alone
    const own = typeof text === 'object' && text !== null ? text : source.config;
    const config = parseModelConfig(source.name, 'Gemma 3', gemma3Schema, { sliding_window: 4096, ...own });
    const facts = common(source, config);
    const window = windows(
      config.sliding_window,
      config.layer_types,
      (layer) => (layer + 1) % config.sliding_window_pattern !== 0,
    );
    const { full, sliding } = ropes(source.name, config, facts);
    const options = {
      ...facts,
      family: 'gemma3',
      rotary: (layer: number) => (window(layer) === undefined ? full : sliding),
      window,
      queryKeyNorm: true,
    };
    return loadRotaryDecoder(source, options, kept);
  },
});

/** transformers 5 gives the embedding of each kind of layer in rope_parameters; before, windowed layers had a field of their own. */
function ropes(name: string, config: z.infer<typeof gemma3Schema>, facts: { headWidth: number; maxLength: number }) {
  const byKind = config.rope_parameters as
    Readonly<Record<string, Record<string, unknown> | undefined>> | null | undefined;
  if (byKind?.['full_attention'] !== undefined || byKind?.['sliding_attention'] !== undefined) {
    return {
      full: rotaryOf(name, { rope_parameters: byKind['full_attention'] }, { ...facts, base: 1e6 }),
      sliding: rotaryOf(name, { rope_parameters: byKind['sliding_attention'] }, { ...facts, base: 10000 }),
    };
  }
  return {
    full: rotaryOf(name, config, { ...facts, base: 1e6 }),
    sliding: rotaryOf(name, { rope_theta: config.rope_local_base_freq }, facts),
  };
}

function common(source: ModelSource, config: z.infer<typeof schema>): Omit<RotaryDecoderOptions, 'family' | 'rotary'> {
  return {
    ...headWidthOf(source.name, config),
    vocabulary: config.vocab_size,
    width: config.hidden_size,
    inner: config.intermediate_size,
    layers: config.num_hidden_layers,
    maxLength: config.max_position_embeddings,
    epsilon: config.rms_norm_eps,
    activation: config.hidden_activation ?? 'gelu_pytorch_tanh',
    tied: config.tie_word_embeddings,
    endIds: endIdsOf(config, source.generation),
    targetModules: ['q_proj', 'v_proj'],
    bias: { queryKeyValue: config.attention_bias, output: config.attention_bias },
    sandwich: true,
    normOffset: 1,
    embeddingScale: Math.fround(Math.sqrt(config.hidden_size)),
    attentionScale: config.query_pre_attn_scalar ** -0.5,
    scoreCap: config.final_logit_softcapping ?? undefined,
    attentionDropout: config.attention_dropout,
  };
}
