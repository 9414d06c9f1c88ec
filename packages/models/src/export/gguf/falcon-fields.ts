/**
 * Falcon's metadata as llama.cpp's converter writes them. llama.cpp knows the models of 7, 11, 40 and 180 billion parameters: rotary
 * positions, attention and feed-forward side by side, no biases.
 */
import type { ModelFacts } from './model-facts.js';
import { expectActivation, float, sizeFields, text, uint, type WrittenFields } from './model-fields.js';

export function falconFields(facts: ModelFacts): WrittenFields {
  expectActivation(facts, ['gelu'], 'activation');
  if (facts.config['alibi'] === true) facts.refuse('its positions are ALiBi');
  if (facts.hasModule('post_attention_layernorm')) facts.refuse('feed-forward follows attention');
  if (facts.hasBias('query_key_value')) facts.refuse('its layers have biases');
  const isNew = facts.config['new_decoder_architecture'] === true;
  if (!isNew && facts.keyHeads !== 1) facts.refuse('each head has keys and values of its own');
  const rotary = facts.rotary();
  if (rotary.scaling !== undefined && rotary.scaling.rope_type !== 'default')
    facts.refuse('its positions are stretched');
  return {
    fields: [
      ['tensor_data_layout', text('jploski')], // queries, then keys, then values
      ...sizeFields(facts),
      ['attention.head_count_kv', uint(facts.keyHeads)],
      ['attention.layer_norm_epsilon', float(facts.epsilon)],
      ['rope.freq_base', float(rotary.base)],
      ['vocab_size', uint(facts.vocabulary)],
    ],
    warnings: [],
  };
}
