/** config.json of a BERT encoder, with transformers' field names and defaults. */
import { z } from 'zod';
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
    initializer_range: z.number().positive().default(0.02),
    layer_norm_eps: z.number().positive().default(1e-12),
    position_embedding_type: z.literal('absolute').default('absolute'),
    is_decoder: z.literal(false).default(false),
    add_cross_attention: z.literal(false).default(false),
    classifier_pooling: z.enum(['cls', 'mean']).default('cls'),
    id2label: z.record(z.string(), z.string()).optional(),
  })
  .refine(({ hidden_size, num_attention_heads }) => hidden_size % num_attention_heads === 0, {
    path: ['hidden_size'],
    message: 'must be a multiple of num_attention_heads',
  });

export type BertConfig = z.infer<typeof schema>;

/** Throws INVALID_MODEL_CONFIG, which names every field that is wrong. */
export const parseBertConfig = (name: string, config: unknown): BertConfig =>
  parseModelConfig(name, 'BERT encoder', schema, config);
