/**
 * Llama and its relatives by configuration alone: Llama 1-3 and what is built like them (SmolLM2, TinyLlama), Mistral (a
 * sliding window), Qwen2 (biases on q, k, v) and Qwen3 (normalised queries and keys).
 *
 * Touvron et al. 2023 (arXiv 2302.13971, 2307.09288); Jiang et al. 2023 (arXiv 2310.06825); Yang et al. 2024, 2025 (arXiv
 * 2407.10671, 2505.09388).
 */
import { z } from 'zod';
import { size, windows } from '../decoder/decoder-config.js';
import { defineDecoderFamily } from '../decoder/decoder-family.js';
import { llamaFields, llamaOptions } from '../decoder/llama-options.js';
import { loadRotaryDecoder, type RotaryDecoderOptions } from '../decoder/rotary-decoder.js';
import { parseModelConfig } from '../folder/parse-model-config.js';
import type { ModelFamily, ModelSource } from '../model-family.js';
import { version } from '../version.js';

const llamaSchema = z.object({
  ...llamaFields,
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
});

const mistralSchema = z.object({ ...llamaFields, sliding_window: size.nullish() });

const qwenSchema = z.object({
  ...llamaFields,
  use_sliding_window: z.boolean().default(false),
  sliding_window: size.nullish(),
  max_window_layers: z.int().nonnegative().default(28),
  layer_types: z.array(z.string()).nullish(),
});

const qwen3Schema = qwenSchema.extend({
  head_dim: size.default(128),
  attention_bias: z.boolean().default(false),
});

/** Llama 1, 2 and 3. */
export const llama = family('llama', ['LlamaForCausalLM', 'LlamaModel'], (source) => {
  const config = parseModelConfig(source.name, 'Llama', llamaSchema, source.config);
  const { attention_bias: biased } = config;
  return {
    ...llamaOptions(source, config),
    bias: { queryKeyValue: biased, output: biased, feedForward: config.mlp_bias },
  };
});

/** Mistral: Llama whose tokens see a window, where sliding_window gives one. */
export const mistral = family('mistral', ['MistralForCausalLM', 'MistralModel'], (source) => {
  const config = parseModelConfig(source.name, 'Mistral', mistralSchema, source.config);
  return { ...llamaOptions(source, config), window: windows(config.sliding_window, undefined, () => true) };
});

/** Qwen2 and Qwen2.5. */
export const qwen2 = family('qwen2', ['Qwen2ForCausalLM', 'Qwen2Model'], (source) => {
  const config = parseModelConfig(source.name, 'Qwen2', qwenSchema, source.config);
  return { ...llamaOptions(source, config), window: qwenWindows(config), bias: { queryKeyValue: true } };
});

export const qwen3 = family('qwen3', ['Qwen3ForCausalLM', 'Qwen3Model'], (source) => {
  const config = parseModelConfig(source.name, 'Qwen3', qwen3Schema, source.config);
  const { attention_bias: biased } = config;
  return {
    ...llamaOptions(source, config),
    window: qwenWindows(config),
    queryKeyNorm: true,
    bias: { queryKeyValue: biased, output: biased },
  };
});

function family(
  name: string,
  architectures: readonly string[],
  optionsOf: (source: ModelSource) => Omit<RotaryDecoderOptions, 'family'>,
): ModelFamily {
  return defineDecoderFamily({
    name,
    package: '@loran/models',
    version,
    modelTypes: [name],
    architectures,
    load: (source, kept) => loadRotaryDecoder(source, { family: name, ...optionsOf(source) }, kept),
  });
}

/** Layers from max_window_layers on have the window, if any have. */
const qwenWindows = (config: z.infer<typeof qwenSchema>) =>
  windows(
    config.use_sliding_window ? config.sliding_window : undefined,
    config.layer_types,
    (layer) => layer >= config.max_window_layers,
  );
