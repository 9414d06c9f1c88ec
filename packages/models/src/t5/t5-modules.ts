/**
 * The modules of T5 under transformers' paths:
 *
 *   shared, lm_head (tied in T5 1.0)
 *   encoder.block.N.layer.0.{SelfAttention.{q,k,v,o},layer_norm}, .layer.1.{DenseReluDense.{wi,wo},layer_norm}
 *   decoder.block.N.layer.0 the same, .layer.1.{EncDecAttention.{q,k,v,o},layer_norm}, .layer.2 the feed-forward
 *   {encoder,decoder}.block.0.layer.0.SelfAttention.relative_attention_bias, {encoder,decoder}.final_layer_norm
 *
 * A gated feed-forward (1.1, Flan) has wi_0 and wi_1 for wi.
 */
import type { ModuleSpec } from '../checkpoint/module-spec.js';
import type { T5Config } from './t5-config.js';

export type Stack = 'encoder' | 'decoder';

export const blockPath = (stack: Stack, n: number): string => `${stack}.block.${n}`;
export const biasPath = (stack: Stack): string =>
  `${blockPath(stack, 0)}.layer.0.SelfAttention.relative_attention_bias`;

export function stackLayers(config: T5Config, stack: Stack): number {
  return stack === 'encoder' ? config.num_layers : (config.num_decoder_layers ?? config.num_layers);
}

export function t5Modules(config: T5Config): ModuleSpec[] {
  const { d_model: width, d_ff: inner, num_heads: heads, d_kv: headWidth } = config;
  const linear = (path: string, rows: number, columns: number): ModuleSpec => ({
    kind: 'linear',
    path,
    rows,
    columns,
    bias: false,
  });
  const norm = (path: string): ModuleSpec => ({
    kind: 'rms-norm',
    path: `${path}layer_norm`,
    size: width,
    epsilon: config.layer_norm_epsilon,
  });
  const attention = (path: string): ModuleSpec[] => [
    ...['q', 'k', 'v'].map((name) => linear(`${path}.${name}`, heads * headWidth, width)),
    linear(`${path}.o`, width, heads * headWidth),
  ];
  const feedForward = (path: string): ModuleSpec[] => [
    ...(config.gated ? ['wi_0', 'wi_1'] : ['wi']).map((name) => linear(`${path}.DenseReluDense.${name}`, inner, width)),
    linear(`${path}.DenseReluDense.wo`, width, inner),
    norm(`${path}.`),
  ];
  const block = (stack: Stack, n: number): ModuleSpec[] => {
    const path = blockPath(stack, n);
    const bias: ModuleSpec = {
      kind: 'embedding',
      path: biasPath(stack),
      rows: config.relative_attention_num_buckets,
      columns: heads,
    };
    return [
      ...attention(`${path}.layer.0.SelfAttention`),
      ...(n === 0 ? [bias] : []),
      norm(`${path}.layer.0.`),
      ...(stack === 'encoder' ? [] : [...attention(`${path}.layer.1.EncDecAttention`), norm(`${path}.layer.1.`)]),
      ...feedForward(`${path}.layer.${stack === 'encoder' ? 1 : 2}`),
    ];
  };
  const whole = (stack: Stack): ModuleSpec[] => [
    ...Array.from({ length: stackLayers(config, stack) }, (_, n) => block(stack, n)).flat(),
    norm(`${stack}.final_`),
  ];
  return [
    { kind: 'embedding', path: 'shared', rows: config.vocab_size, columns: width },
    ...whole('encoder'),
    ...whole('decoder'),
  ];
}

/** The embedding may stand under the stacks that share it. */
export function storedNames(name: string): readonly string[] {
  return name === 'shared.weight' ? [name, ...copies] : [name];
}

const copies = ['encoder.embed_tokens.weight', 'decoder.embed_tokens.weight'];

/** Copies of the embedding, and a table that old checkpoints hold but no model reads. */
export const isKnownRest = (name: string): boolean =>
  copies.includes(name) || name === 'decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight';
