/**
 * Falcon (Almazrouei et al. 2023, arXiv 2311.16867): one product for queries, keys and values, attention and feed-forward side
 * by side, rotary positions or ALiBi.
 *
 *   transformer.word_embeddings, .ln_f; lm_head (tied)
 *   transformer.h.N.self_attention.{query_key_value,dense}, .mlp.{dense_h_to_4h,dense_4h_to_h}
 *
 *   the norms of a layer      two       ln_attn, ln_mlp                               40B, 180B
 *                             one       input_layernorm for both                      7B, 11B
 *                             in turn   input_layernorm, post_attention_layernorm     RW
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { found } from '../checkpoint/load-modules.js';
import type { ModuleSpec } from '../checkpoint/module-spec.js';
import { Decoder } from '../decoder/decoder.js';
import {
  activation,
  endIdsField,
  endIdsOf,
  headWidthOf,
  rate,
  rotaryOf,
  size,
  stretchedLength,
} from '../decoder/decoder-config.js';
import { defineDecoderFamily } from '../decoder/decoder-family.js';
import { loadDecoderModules } from '../decoder/load-decoder.js';
import { parseModelConfig } from '../folder/parse-model-config.js';
import { alibiTable } from '../layers/alibi.js';
import { type FalconFacts, falconBlock, layerPath } from './falcon-block.js';
import { falconGraph } from './falcon-graph.js';
import { version } from '../version.js';

const schema = z.object({
  vocab_size: size,
  hidden_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  num_kv_heads: size.nullish(),
  num_ln_in_parallel_attn: z.literal([1, 2]).nullish(),
  new_decoder_architecture: z.boolean().default(false),
  multi_query: z.boolean().default(true),
  parallel_attn: z.boolean().default(true),
  bias: z.boolean().default(false),
  alibi: z.boolean().default(false),
  ffn_hidden_size: size.nullish(),
  activation: activation.default('gelu'),
  layer_norm_epsilon: z.number().positive().default(1e-5),
  hidden_dropout: rate.default(0),
  attention_dropout: rate.default(0),
  max_position_embeddings: size.default(2048),
  tie_word_embeddings: z.boolean().default(true),
  eos_token_id: endIdsField,
  rope_theta: z.number().positive().nullish(),
  rope_scaling: z.record(z.string(), z.unknown()).nullish(),
  rope_parameters: z.record(z.string(), z.unknown()).nullish(),
});

export const falcon = defineDecoderFamily({
  name: 'falcon',
  package: '@loran/models',
  version,
  modelTypes: ['falcon'],
  architectures: ['FalconForCausalLM', 'FalconModel', 'FalconForSequenceClassification'],
  vocabularyModules: ['word_embeddings', 'lm_head'],
  load: async (source, kept) => {
    const config = parseModelConfig(source.name, 'Falcon', schema, source.config);
    const facts = factsOf(source.name, config);
    const { width, keyHeads, headWidth } = facts;
    const layers = config.num_hidden_layers;
    const { modules, embedding, head, warnings } = await loadDecoderModules(
      source,
      {
        specs: falconModules(facts, config.vocab_size, layers),
        embedding: 'transformer.word_embeddings',
        tied: config.tie_word_embeddings,
        storedNames: (name) => [name, name.replace(/^transformer\./, '')],
        isKnownRest: (name) => name.endsWith('rotary_emb.inv_freq'),
      },
      kept,
    );
    return new Decoder({
      family: 'falcon',
      tokenizer: source.tokenizer,
      maxLength: facts.maxLength,
      vocabulary: config.vocab_size,
      width,
      endIds: endIdsOf(config, source.generation),
      targetModules: ['query_key_value'],
      warnings,
      modules,
      embed: ({ ids, batch, time }, pass) => tf.reshape(embedding.apply(ids, pass), [batch * time, width]) as Tensor2D,
      blocks: Array.from({ length: layers }, (_, n) => falconBlock(facts, modules, n)),
      norm: found(modules.norms, 'transformer.ln_f'),
      head,
      cacheShape: { layers, heads: keyHeads, keyWidth: headWidth, valueWidth: headWidth },
      graph: falconGraph(facts),
    });
  },
});

function factsOf(name: string, config: z.infer<typeof schema>): FalconFacts {
  const { hidden_size: width, new_decoder_architecture: isNew, multi_query, parallel_attn, alibi } = config;
  const { heads, keyHeads, headWidth } = headWidthOf(name, {
    hidden_size: width,
    num_attention_heads: config.num_attention_heads,
    num_key_value_heads: isNew ? config.num_kv_heads : multi_query ? 1 : undefined,
  });
  const rotary = alibi ? undefined : rotaryOf(name, config, { headWidth, maxLength: config.max_position_embeddings });
  return {
    width,
    inner: config.ffn_hidden_size ?? 4 * width,
    heads,
    keyHeads,
    headWidth,
    bias: config.bias,
    norms: !isNew && !parallel_attn ? 'in turn' : isNew && (config.num_ln_in_parallel_attn ?? 2) === 2 ? 'two' : 'one',
    epsilon: config.layer_norm_epsilon,
    activation: config.activation,
    hiddenDropout: config.hidden_dropout,
    attentionDropout: config.attention_dropout,
    maxLength: rotary === undefined ? config.max_position_embeddings : stretchedLength(rotary),
    positions: rotary ?? alibiTable(heads, config.max_position_embeddings),
  };
}

function falconModules(facts: FalconFacts, vocabulary: number, layers: number): ModuleSpec[] {
  const { width, inner, heads, keyHeads, headWidth, bias, epsilon } = facts;
  const linear = (path: string, rows: number, columns: number): ModuleSpec => ({
    kind: 'linear',
    path,
    rows,
    columns,
    bias,
  });
  const norm = (path: string): ModuleSpec => ({ kind: 'layer-norm', path, size: width, epsilon });
  const norms = {
    two: ['ln_attn', 'ln_mlp'],
    one: ['input_layernorm'],
    'in turn': ['input_layernorm', 'post_attention_layernorm'],
  }[facts.norms];
  const layer = (path: string): ModuleSpec[] => [
    ...norms.map((name) => norm(`${path}.${name}`)),
    linear(`${path}.self_attention.query_key_value`, (heads + 2 * keyHeads) * headWidth, width),
    linear(`${path}.self_attention.dense`, width, width),
    linear(`${path}.mlp.dense_h_to_4h`, inner, width),
    linear(`${path}.mlp.dense_4h_to_h`, width, inner),
  ];
  return [
    { kind: 'embedding', path: 'transformer.word_embeddings', rows: vocabulary, columns: width },
    ...Array.from({ length: layers }, (_, n) => layer(layerPath(n))).flat(),
    norm('transformer.ln_f'),
  ];
}
