/**
 * GPT-2 (Radford et al. 2019): learned positions, LayerNorm before each block, one product for queries, keys and values, and
 * weights that the checkpoint keeps as [in, out] (Conv1D).
 *
 *   transformer.wte, .wpe, .ln_f; lm_head (tied to wte)
 *   transformer.h.N.ln_1, .attn.{c_attn,c_proj}, .ln_2, .mlp.{c_fc,c_proj}
 *
 *   a = x + dropout(attention(ln_1(x)))      y = a + dropout(mlp(ln_2(a)))
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import type { Pass } from '@loran/adapter';
import { z } from 'zod';
import { found, type LoadedModules } from '../checkpoint/load-modules.js';
import type { ModuleSpec } from '../checkpoint/module-spec.js';
import { attend } from '../decoder/attend.js';
import { Decoder, type DecoderBlock } from '../decoder/decoder.js';
import { activation, endIdsOf, endIdsField, headWidthOf, rate, size } from '../decoder/decoder-config.js';
import { defineDecoderFamily } from '../decoder/decoder-family.js';
import { loadDecoderModules } from '../decoder/load-decoder.js';
import type { Sequence } from '../decoder/sequence.js';
import { parseModelConfig } from '../folder/parse-model-config.js';
import { dropoutAt } from '../layers/dropout-at.js';
import { splitHeads } from '../layers/grouped-attention.js';
import { hiddenActivations } from '../layers/hidden-activation.js';
import { version } from '../version.js';
import { gpt2Graph } from './gpt2-graph.js';

const schema = z.object({
  vocab_size: size,
  n_positions: size.default(1024),
  n_embd: size,
  n_layer: size,
  n_head: size,
  n_inner: size.nullish(),
  activation_function: activation.default('gelu_new'),
  resid_pdrop: rate.default(0.1),
  embd_pdrop: rate.default(0.1),
  attn_pdrop: rate.default(0.1),
  layer_norm_epsilon: z.number().positive().default(1e-5),
  scale_attn_weights: z.boolean().default(true),
  scale_attn_by_inverse_layer_idx: z.boolean().default(false),
  add_cross_attention: z.literal(false).default(false),
  tie_word_embeddings: z.boolean().default(true),
  eos_token_id: endIdsField,
});

type Gpt2Config = z.infer<typeof schema>;

export const gpt2 = defineDecoderFamily({
  name: 'gpt2',
  package: '@loran/models',
  version,
  modelTypes: ['gpt2'],
  architectures: ['GPT2LMHeadModel', 'GPT2Model', 'GPT2ForSequenceClassification'],
  vocabularyModules: ['wte', 'lm_head'],
  load: async (source, kept) => {
    const config = parseModelConfig(source.name, 'GPT-2', schema, source.config);
    const { n_embd: width, n_layer: layers, n_head: heads } = config;
    const { headWidth } = headWidthOf(source.name, { hidden_size: width, num_attention_heads: heads });
    const specs = gpt2Modules(config);
    const { modules, embedding, head, warnings } = await loadDecoderModules(
      source,
      {
        specs,
        embedding: 'transformer.wte',
        tied: config.tie_word_embeddings,
        storedNames: (name) => [name, name.replace(/^transformer\./, '')],
        isKnownRest: (name) => /\.attn\.(masked_)?bias$/.test(name), // buffers of old versions
      },
      kept,
    );
    const positions = found(modules.slots, 'transformer.wpe');
    return new Decoder({
      family: 'gpt2',
      tokenizer: source.tokenizer,
      maxLength: config.n_positions,
      vocabulary: config.vocab_size,
      width,
      endIds: endIdsOf(config, source.generation),
      targetModules: ['c_attn'],
      warnings,
      modules,
      embed: (sequence, pass) => {
        const { ids, batch, time } = sequence;
        const x = tf.add(embedding.apply(ids, pass), positions.apply(sequence.positions, pass)); // [batch, time, width]
        const flat = tf.reshape(x, [batch * time, width]) as Tensor2D;
        return dropoutAt('transformer.drop', flat, config.embd_pdrop, pass);
      },
      blocks: Array.from({ length: layers }, (_, n) => block(config, modules, n)),
      norm: found(modules.norms, 'transformer.ln_f'),
      head,
      cacheShape: { layers, heads, keyWidth: headWidth, valueWidth: headWidth },
      graph: gpt2Graph({
        width,
        heads,
        activation: config.activation_function,
        layerPath,
        scale: (layer) => attentionScale(config, layer),
      }),
    });
  },
});

const layerPath = (layer: number): string => `transformer.h.${layer}`;

function gpt2Modules(config: Gpt2Config): ModuleSpec[] {
  const { n_embd: width, vocab_size: vocabulary, n_positions: positions } = config;
  const inner = config.n_inner ?? 4 * width;
  const norm = (path: string): ModuleSpec => ({
    kind: 'layer-norm',
    path,
    size: width,
    epsilon: config.layer_norm_epsilon,
  });
  const linear = (path: string, rows: number, columns: number): ModuleSpec => ({
    kind: 'linear',
    path,
    rows,
    columns,
    bias: true,
    conv1d: true,
  });
  const layer = (path: string): ModuleSpec[] => [
    norm(`${path}.ln_1`),
    linear(`${path}.attn.c_attn`, 3 * width, width),
    linear(`${path}.attn.c_proj`, width, width),
    norm(`${path}.ln_2`),
    linear(`${path}.mlp.c_fc`, inner, width),
    linear(`${path}.mlp.c_proj`, width, inner),
  ];
  return [
    { kind: 'embedding', path: 'transformer.wte', rows: vocabulary, columns: width },
    { kind: 'embedding', path: 'transformer.wpe', rows: positions, columns: width },
    ...Array.from({ length: config.n_layer }, (_, n) => layer(layerPath(n))).flat(),
    norm('transformer.ln_f'),
  ];
}

/** Factor of the products of attention. */
function attentionScale(config: Gpt2Config, layer: number): number {
  const scaleOfWidth = config.scale_attn_weights ? (config.n_embd / config.n_head) ** -0.5 : 1;
  return config.scale_attn_by_inverse_layer_idx ? scaleOfWidth / (layer + 1) : scaleOfWidth;
}

function block(config: Gpt2Config, { slots, norms }: LoadedModules, layer: number): DecoderBlock {
  const { n_head: heads, resid_pdrop: rate } = config;
  const path = layerPath(layer);
  const slot = (name: string) => found(slots, `${path}.${name}`);
  const norm = (name: string) => found(norms, `${path}.${name}`);
  const activate = hiddenActivations[config.activation_function] as (x: Tensor) => Tensor;
  const attention = {
    path: `${path}.attn`,
    layer,
    scale: attentionScale(config, layer),
    dropout: config.attn_pdrop,
  };

  const attended = (x: Tensor2D, sequence: Sequence, pass: Pass): Tensor2D => {
    const { batch, time } = sequence;
    const fused = slot('attn.c_attn').apply(x, pass); // [batch·time, 3·width]
    const [q, k, v] = tf.split(fused, 3, 1).map((part) => splitHeads(part, batch, time, heads));
    const mixed = attend({ q: q!, k: k!, v: v! }, sequence, attention, pass);
    return dropoutAt(`${path}.attn.resid_dropout`, slot('attn.c_proj').apply(mixed, pass) as Tensor2D, rate, pass);
  };
  const fed = (x: Tensor2D, pass: Pass): Tensor2D => {
    const inner = activate(slot('mlp.c_fc').apply(x, pass)); // [batch·time, inner]
    return dropoutAt(`${path}.mlp.dropout`, slot('mlp.c_proj').apply(inner, pass) as Tensor2D, rate, pass);
  };

  return {
    apply: (x, sequence, pass) =>
      tf.tidy(() => {
        const a = tf.add<Tensor2D>(x, attended(norm('ln_1').apply(x), sequence, pass));
        return tf.add<Tensor2D>(a, fed(norm('ln_2').apply(a), pass));
      }),
  };
}
