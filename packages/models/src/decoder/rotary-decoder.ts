/**
 * Decoders of Llama's shape (Touvron et al. 2023, arXiv 2302.13971), under transformers' paths:
 *
 *   model.embed_tokens, model.norm, lm_head
 *   model.layers.N.input_layernorm, .self_attn.{q,k,v,o}_proj, .post_attention_layernorm, .mlp.{gate,up,down}_proj
 *
 *   a = x + attention(norm(x))      y = a + mlp(norm(a))
 *
 * With `sandwich` each block's output is normalised too before it is added, as in Gemma 2: then
 * post_attention_layernorm stands behind attention, and {pre,post}_feedforward_layernorm around the feed-forward.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import type { Pass } from '@loran/adapter';
import { found, type LoadedModules } from '../checkpoint/load-modules.js';
import type { LinearSpec, ModuleSpec } from '../checkpoint/module-spec.js';
import { gatedFeedForward } from '../layers/gated-feed-forward.js';
import { type HiddenActivation, hiddenActivations } from '../layers/hidden-activation.js';
import type { RotaryOptions } from '../layers/rotary/frequencies.js';
import type { ModelSource } from '../model-family.js';
import { Decoder, type DecoderBlock } from './decoder.js';
import { type DecoderLoadOptions, loadDecoderModules } from './load-decoder.js';
import { rotaryDecoderGraph } from './rotary-decoder-graph.js';
import { RotaryAttention } from './rotary-attention.js';

/** The facts of one model, as its family reads them from config.json. */
export interface RotaryDecoderOptions {
  readonly family: string;
  readonly vocabulary: number;
  readonly width: number;
  /** Features between the two products of the feed-forward. */
  readonly inner: number;
  readonly layers: number;
  readonly heads: number;
  readonly keyHeads: number;
  readonly headWidth: number;
  readonly maxLength: number;
  readonly epsilon: number;
  readonly activation: HiddenActivation;
  /** Whether lm_head is the embedding's weight. */
  readonly tied: boolean;
  readonly endIds: readonly number[];
  readonly targetModules: readonly string[];
  /** By layer. */
  readonly rotary: (layer: number) => RotaryOptions;
  /** Tokens that a layer sees; default all. */
  readonly window?: (layer: number) => number | undefined;
  readonly bias?: { readonly queryKeyValue?: boolean; readonly output?: boolean; readonly feedForward?: boolean };
  /** Normalise each head's queries and keys: q_norm, k_norm; default not. */
  readonly queryKeyNorm?: boolean;
  readonly sandwich?: boolean;
  /** What is added to stored norm weights; default 0. */
  readonly normOffset?: number;
  /** Factor of the embeddings; default 1. */
  readonly embeddingScale?: number;
  readonly attentionScale?: number | undefined;
  readonly attentionCap?: number | undefined;
  readonly scoreCap?: number | undefined;
  readonly attentionDropout?: number;
}

/** Where a layer's modules stand. */
const layerPath = (layer: number): string => `model.layers.${layer}`;

function rotaryDecoderModules(options: RotaryDecoderOptions): ModuleSpec[] {
  const { width, inner, heads, keyHeads, headWidth, vocabulary, bias = {} } = options;
  const linear = (path: string, rows: number, columns: number, biased = false): LinearSpec => ({
    kind: 'linear',
    path,
    rows,
    columns,
    bias: biased,
  });
  const norm = (path: string, size = width): ModuleSpec => ({
    kind: 'rms-norm',
    path,
    size,
    epsilon: options.epsilon,
    offset: options.normOffset ?? 0,
  });
  const layer = (path: string): ModuleSpec[] => [
    norm(`${path}.input_layernorm`),
    linear(`${path}.self_attn.q_proj`, heads * headWidth, width, bias.queryKeyValue),
    linear(`${path}.self_attn.k_proj`, keyHeads * headWidth, width, bias.queryKeyValue),
    linear(`${path}.self_attn.v_proj`, keyHeads * headWidth, width, bias.queryKeyValue),
    ...(options.queryKeyNorm === true
      ? [norm(`${path}.self_attn.q_norm`, headWidth), norm(`${path}.self_attn.k_norm`, headWidth)]
      : []),
    linear(`${path}.self_attn.o_proj`, width, heads * headWidth, bias.output),
    norm(`${path}.post_attention_layernorm`),
    ...(options.sandwich === true
      ? [norm(`${path}.pre_feedforward_layernorm`), norm(`${path}.post_feedforward_layernorm`)]
      : []),
    linear(`${path}.mlp.gate_proj`, inner, width, bias.feedForward),
    linear(`${path}.mlp.up_proj`, inner, width, bias.feedForward),
    linear(`${path}.mlp.down_proj`, width, inner, bias.feedForward),
  ];
  return [
    { kind: 'embedding', path: 'model.embed_tokens', rows: vocabulary, columns: width },
    ...Array.from({ length: options.layers }, (_, n) => layer(layerPath(n))).flat(),
    norm('model.norm'),
  ];
}

/** Throws MISSING_WEIGHTS, WEIGHT_SHAPES, and what the weights' reader throws. */
export async function loadRotaryDecoder(
  source: ModelSource,
  options: RotaryDecoderOptions,
  kept: DecoderLoadOptions,
): Promise<Decoder> {
  const { modules, embedding, head, warnings } = await loadDecoderModules(
    source,
    {
      specs: rotaryDecoderModules(options),
      embedding: 'model.embed_tokens',
      tied: options.tied,
      storedNames,
      isKnownRest: (name) => name.endsWith('rotary_emb.inv_freq'), // buffers of old versions
    },
    kept,
  );
  const { embeddingScale = 1 } = options;
  return new Decoder({
    ...options,
    tokenizer: source.tokenizer,
    warnings,
    modules,
    embed: ({ ids, batch, time }, pass) => {
      const x = tf.reshape(embedding.apply(ids, pass), [batch * time, options.width]) as Tensor2D;
      return embeddingScale === 1 ? x : tf.mul<Tensor2D>(x, embeddingScale);
    },
    blocks: Array.from({ length: options.layers }, (_, n) => block(options, modules, n)),
    norm: found(modules.norms, 'model.norm'),
    head,
    cacheShape: {
      layers: options.layers,
      heads: options.keyHeads,
      keyWidth: options.headWidth,
      valueWidth: options.headWidth,
    },
    graph: rotaryDecoderGraph(options, layerPath),
  });
}

function block(options: RotaryDecoderOptions, { slots, norms }: LoadedModules, layer: number): DecoderBlock {
  const path = layerPath(layer);
  const slot = (name: string) => found(slots, `${path}.${name}`);
  const norm = (name: string) => found(norms, `${path}.${name}`);
  const { heads, keyHeads, headWidth, queryKeyNorm, sandwich = false } = options;
  const attention = new RotaryAttention({
    path: `${path}.self_attn`,
    layer,
    query: slot('self_attn.q_proj'),
    key: slot('self_attn.k_proj'),
    value: slot('self_attn.v_proj'),
    output: slot('self_attn.o_proj'),
    heads,
    keyHeads,
    headWidth,
    rotary: options.rotary(layer),
    window: options.window?.(layer),
    scale: options.attentionScale,
    cap: options.attentionCap,
    dropout: options.attentionDropout ?? 0,
    ...(queryKeyNorm === true ? { queryNorm: norm('self_attn.q_norm'), keyNorm: norm('self_attn.k_norm') } : {}),
  });
  const feedForward = {
    gate: slot('mlp.gate_proj'),
    up: slot('mlp.up_proj'),
    down: slot('mlp.down_proj'),
    activation: hiddenActivations[options.activation] as (x: Tensor) => Tensor,
  };
  const before = norm('input_layernorm');
  const between = norm(sandwich ? 'pre_feedforward_layernorm' : 'post_attention_layernorm');
  const behindAttention = sandwich ? norm('post_attention_layernorm') : undefined;
  const behindFeedForward = sandwich ? norm('post_feedforward_layernorm') : undefined;
  return {
    apply: (x, sequence, pass: Pass) =>
      tf.tidy(() => {
        const attended = attention.apply(before.apply(x), sequence, pass);
        const a = tf.add<Tensor2D>(x, behindAttention === undefined ? attended : behindAttention.apply(attended));
        const fed = gatedFeedForward(feedForward, between.apply(a), pass);
        return tf.add<Tensor2D>(a, behindFeedForward === undefined ? fed : behindFeedForward.apply(fed));
      }),
  };
}

/** As CausalLM classes store them, or as the bare model does; Gemma 3 with images keeps its text model under a prefix. */
function storedNames(name: string): readonly string[] {
  return [
    name,
    name.replace(/^model\./, ''),
    `language_model.${name}`,
    name.replace(/^model\./, 'model.language_model.'),
  ];
}
