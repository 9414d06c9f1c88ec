/** config.json of BERT and RoBERTa, with transformers' field names and defaults, and what it says of the encoder. */
import { z } from 'zod';
import type { EncoderFacts } from '../encoder/encoder-facts.js';
import { parseModelConfig } from '../folder/parse-model-config.js';
import { type HiddenActivation, hiddenActivations } from '../layers/hidden-activation.js';

const size = z.int().positive();
const rate = z.number().min(0).lt(1);

const schema = z
  .object({
    vocab_size: size,
    hidden_size: size,
    num_hidden_layers: size,
    num_attention_heads: size,
    intermediate_size: size,
    hidden_act: z.enum(Object.keys(hiddenActivations) as [HiddenActivation]).default('gelu'),
    hidden_dropout_prob: rate.default(0.1),
    attention_probs_dropout_prob: rate.default(0.1),
    classifier_dropout: rate.nullish(),
    max_position_embeddings: size.default(512),
    type_vocab_size: size.default(2),
    layer_norm_eps: z.number().positive().default(1e-12),
    position_embedding_type: z.literal('absolute').default('absolute'),
    is_decoder: z.literal(false).default(false),
    add_cross_attention: z.literal(false).default(false),
    pad_token_id: z.int().nonnegative().nullish(),
  })
  .refine(({ hidden_size, num_attention_heads }) => hidden_size % num_attention_heads === 0, {
    path: ['hidden_size'],
    message: 'must be a multiple of num_attention_heads',
  });

export type BertConfig = z.infer<typeof schema>;

/** Throws INVALID_MODEL_CONFIG, which names every field that is wrong. */
export const parseBertConfig = (name: string, config: unknown): BertConfig =>
  parseModelConfig(name, 'BERT encoder', schema, config);

/** All but the name and what stands on top. */
export function bertFacts(config: BertConfig): Omit<EncoderFacts, 'family' | 'prefix' | 'head'> {
  return {
    vocabulary: config.vocab_size,
    width: config.hidden_size,
    inner: config.intermediate_size,
    heads: config.num_attention_heads,
    layers: config.num_hidden_layers,
    positions: config.max_position_embeddings,
    tokenTypes: config.type_vocab_size,
    epsilon: config.layer_norm_eps,
    activation: config.hidden_act,
    dropout: {
      embeddings: config.hidden_dropout_prob,
      attentionOutput: config.hidden_dropout_prob,
      attention: config.attention_probs_dropout_prob,
      output: config.hidden_dropout_prob,
    },
    layerPath: (n) => `encoder.layer.${n}`,
    names: {
      query: 'attention.self.query',
      key: 'attention.self.key',
      value: 'attention.self.value',
      attentionOutput: 'attention.output.dense',
      attentionNorm: 'attention.output.LayerNorm',
      intermediate: 'intermediate.dense',
      output: 'output.dense',
      outputNorm: 'output.LayerNorm',
    },
    targetModules: ['query', 'value'],
  };
}
