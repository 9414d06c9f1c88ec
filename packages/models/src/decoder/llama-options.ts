/** What config.json says of a decoder of Llama's shape, as its relatives share it. */
import { z } from 'zod';
import type { ModelSource } from '../model-family.js';
import { activation, endIdsOf, headWidthOf, rotaryDecoderFields, rotaryOf, stretchedLength } from './decoder-config.js';
import type { RotaryDecoderOptions } from './rotary-decoder.js';

/** Fields of config.json, with transformers' names and Llama's defaults; a family adds its own. */
export const llamaFields = {
  ...rotaryDecoderFields,
  hidden_act: activation.default('silu'),
  tie_word_embeddings: z.boolean().default(false),
};

/** The options of `loadRotaryDecoder` that follow from those fields; a family adds its own. Throws INVALID_MODEL_CONFIG. */
export function llamaOptions(
  source: Pick<ModelSource, 'name' | 'generation'>,
  config: z.infer<z.ZodObject<typeof llamaFields>>,
): Omit<RotaryDecoderOptions, 'family'> {
  const { heads, keyHeads, headWidth } = headWidthOf(source.name, config);
  const rotary = rotaryOf(source.name, config, { headWidth, maxLength: config.max_position_embeddings });
  return {
    vocabulary: config.vocab_size,
    width: config.hidden_size,
    inner: config.intermediate_size,
    layers: config.num_hidden_layers,
    heads,
    keyHeads,
    headWidth,
    maxLength: stretchedLength(rotary),
    epsilon: config.rms_norm_eps,
    activation: config.hidden_act,
    tied: config.tie_word_embeddings,
    endIds: endIdsOf(config, source.generation),
    targetModules: ['q_proj', 'v_proj'],
    rotary: () => rotary,
    attentionDropout: config.attention_dropout,
  };
}
