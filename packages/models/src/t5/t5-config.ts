/** config.json of T5 and its relatives, with transformers' field names and defaults. */
import { z } from 'zod';
import { endIdsField, rate, size } from '../decoder/decoder-config.js';
import { parseModelConfig } from '../folder/parse-model-config.js';
import { type HiddenActivation, hiddenActivations } from '../layers/hidden-activation.js';
import { ModelError } from '../model-error.js';

const schema = z.object({
  model_type: z.string().nullish(),
  vocab_size: size,
  d_model: size,
  d_kv: size.default(64),
  d_ff: size,
  num_layers: size,
  num_decoder_layers: size.nullish(),
  num_heads: size,
  n_positions: size.default(512),
  relative_attention_num_buckets: z.int().min(4).default(32),
  relative_attention_max_distance: z.int().positive().default(128),
  dropout_rate: rate.default(0.1),
  layer_norm_epsilon: z.number().positive().default(1e-6),
  feed_forward_proj: z.string().nullish(),
  tie_word_embeddings: z.boolean().default(true),
  scale_decoder_outputs: z.boolean().nullish(),
  decoder_start_token_id: z.int().nullish(),
  pad_token_id: z.int().nullish(),
  eos_token_id: endIdsField,
});

export interface T5Config extends z.infer<typeof schema> {
  readonly gated: boolean;
  readonly activation: HiddenActivation;
  /** Whether hidden states are scaled by 1/√d_model before the head, as in T5 1.0. */
  readonly scaled: boolean;
}

/** Throws INVALID_MODEL_CONFIG, which names every field that is wrong. */
export function parseT5Config(name: string, json: Readonly<Record<string, unknown>>): T5Config {
  const config = parseModelConfig(name, 'T5', schema, json);
  const isMt5 = config.model_type === 'mt5';
  const projection = config.feed_forward_proj ?? (isMt5 ? 'gated-gelu' : 'relu');
  const gated = projection.startsWith('gated-');
  // 'gated-gelu' means the approximation, though elsewhere 'gelu' is the exact one
  const activation = projection === 'gated-gelu' ? 'gelu_new' : projection.replace(/^gated-/, '');
  if (!Object.hasOwn(hiddenActivations, activation)) {
    throw new ModelError(
      'INVALID_MODEL_CONFIG',
      `${name}: config.json has 'feed_forward_proj': ${JSON.stringify(projection)}; known are ${Object.keys(hiddenActivations).join(', ')}, each with 'gated-' before it or not.`,
    );
  }
  return {
    ...config,
    gated,
    activation: activation as HiddenActivation,
    scaled: config.scale_decoder_outputs ?? (config.tie_word_embeddings && !isMt5),
  };
}
