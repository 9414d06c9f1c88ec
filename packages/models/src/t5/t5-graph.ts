/**
 * T5 in ONNX operators: what t5-model.ts computes, as two files.
 *
 *   encoder_model           input_ids, attention_mask [batch, time]  ->  last_hidden_state [batch, time, width]
 *   decoder_model_merged    input_ids [batch, new], encoder_hidden_states, encoder_attention_mask, and by layer
 *                           past_key_values.N.{decoder,encoder}.{key,value}  ->  logits, and `present` of the same
 *
 * Keys and values of the encoder's states are computed where past_key_values has none of them yet, and passed on where it has.
 */
import { graphAttention, graphHeads } from '../onnx/graph-attention.js';
import { axisSize, closed, columnRange, tokenColumns } from '../onnx/graph-columns.js';
import type { ModelGraph } from '../onnx/model-graph.js';
import { relativeBucket } from './relative-position.js';
import type { T5Config } from './t5-config.js';
import { biasPath, blockPath, type Stack, stackLayers } from './t5-modules.js';

const batch = 'batch_size';
const source = 'encoder_sequence_length';

interface KeysValues {
  readonly keys: string; // [batch, heads, columns, d_kv]
  readonly values: string;
}

export function writeT5Encoder(graph: ModelGraph, config: T5Config): void {
  const { onnx } = graph;
  const ids = onnx.input('input_ids', 'int64', [batch, source]);
  const tokens = onnx.input('attention_mask', 'int64', [batch, source]);
  const end = axisSize(graph, ids, 1);
  const bias = positionBias(graph, config, 'encoder', onnx.constant('int64', [0]), end);
  const mask = graph.add(bias, padding(graph, tokens));
  const states = stack(graph, config, 'encoder', ids, (layer, x) => {
    const path = `${blockPath('encoder', layer)}.layer.0.SelfAttention`;
    return attention(graph, config, path, x, keysValues(graph, config, path, x), mask);
  });
  onnx.output(states, 'last_hidden_state', 'float32', [batch, source, config.d_model]);
}

export function writeT5Decoder(graph: ModelGraph, config: T5Config): void {
  const { onnx } = graph;
  const { num_heads: heads, d_kv: width, d_model, vocab_size } = config;
  const ids = onnx.input('input_ids', 'int64', [batch, 'decoder_sequence_length']);
  const encoded = onnx.input('encoder_hidden_states', 'float32', [batch, source, d_model]);
  const crossMask = padding(graph, onnx.input('encoder_attention_mask', 'int64', [batch, source]));
  const past = (layer: number, stack: Stack): KeysValues => {
    const sizes = [batch, heads, `past_${stack}_sequence_length`, width];
    const input = (kind: string) => onnx.input(`past_key_values.${layer}.${stack}.${kind}`, 'float32', sizes);
    return { keys: input('key'), values: input('value') };
  };
  const present = (layer: number, stack: Stack, { keys, values }: KeysValues): KeysValues => {
    const sizes = [batch, heads, stack === 'encoder' ? source : 'total_sequence_length', width];
    onnx.output(keys, `present.${layer}.${stack}.key`, 'float32', sizes);
    onnx.output(values, `present.${layer}.${stack}.value`, 'float32', sizes);
    return { keys, values };
  };
  const before = Array.from({ length: stackLayers(config, 'decoder') }, (_, layer) => ({
    decoder: past(layer, 'decoder'),
    encoder: past(layer, 'encoder'),
  }));

  const start = axisSize(graph, before[0]!.decoder.keys, 2);
  const end = graph.op('Add', [start, axisSize(graph, ids, 1)]);
  const bias = positionBias(graph, config, 'decoder', start, end);
  const { keys, own } = columns(graph, start, end);
  const mask = graph.add(bias, closed(graph, graph.op('LessOrEqual', [keys, own]))); // [1, heads, new, total]
  const states = stack(
    graph,
    config,
    'decoder',
    ids,
    (layer, x) => {
      const path = `${blockPath('decoder', layer)}.layer.0.SelfAttention`;
      const added = keysValues(graph, config, path, x);
      const { decoder } = before[layer]!;
      const all = present(layer, 'decoder', {
        keys: graph.op('Concat', [decoder.keys, added.keys], { axis: 2 }),
        values: graph.op('Concat', [decoder.values, added.values], { axis: 2 }),
      });
      return attention(graph, config, path, x, all, mask);
    },
    (layer, x) => {
      const path = `${blockPath('decoder', layer)}.layer.1.EncDecAttention`;
      const { encoder } = before[layer]!;
      const known = graph.op('Greater', [axisSize(graph, encoder.keys, 2), onnx.scalar('int64', 0)]);
      const info = { type: 'float32', shape: [batch, heads, 'columns', width] } as const;
      const [crossKeys = '', crossValues = ''] = onnx.branch(
        graph.op('Squeeze', [known]),
        [info, info],
        () => [encoder.keys, encoder.values],
        () => {
          const made = keysValues(graph, config, path, encoded);
          return [made.keys, made.values];
        },
      );
      const seen = present(layer, 'encoder', { keys: crossKeys, values: crossValues });
      return attention(graph, config, path, x, seen, crossMask);
    },
  );
  const products = graph.linear('lm_head', states);
  const logits = config.scaled ? graph.with('Mul', products, d_model ** -0.5) : products;
  onnx.output(logits, 'logits', 'float32', [batch, 'decoder_sequence_length', vocab_size]);
}

type Attend = (layer: number, x: string) => string;

/** One stack over token ids [batch, time]. -> [batch, time, width] */
function stack(graph: ModelGraph, config: T5Config, name: Stack, ids: string, own: Attend, cross?: Attend): string {
  let x = graph.embedding('shared', ids);
  for (let layer = 0; layer < stackLayers(config, name); layer++) {
    const path = blockPath(name, layer);
    const parts = [own, ...(cross === undefined ? [] : [cross])].map((attend) => (y: string) => attend(layer, y));
    const last = parts.length;
    parts.push((y) => feedForward(graph, config, `${path}.layer.${last}.DenseReluDense`, y));
    for (const [n, part] of parts.entries()) x = graph.add(x, part(graph.norm(`${path}.layer.${n}.layer_norm`, x)));
  }
  return graph.norm(`${name}.final_layer_norm`, x);
}

function feedForward(graph: ModelGraph, { gated, activation }: T5Config, path: string, x: string): string {
  const first = graph.activation(activation, graph.linear(`${path}.${gated ? 'wi_0' : 'wi'}`, x));
  const inner = gated ? graph.op('Mul', [first, graph.linear(`${path}.wi_1`, x)]) : first;
  return graph.linear(`${path}.wo`, inner);
}

function keysValues(graph: ModelGraph, { num_heads: heads }: T5Config, path: string, x: string): KeysValues {
  const byHead = (name: string) => graphHeads(graph, graph.linear(`${path}.${name}`, x), heads);
  return { keys: byHead('k'), values: byHead('v') };
}

/** T5 does not divide its products by √width. */
function attention(
  graph: ModelGraph,
  { num_heads: heads, d_kv: width }: T5Config,
  path: string,
  x: string,
  { keys, values }: KeysValues,
  mask: string,
): string {
  const q = graphHeads(graph, graph.linear(`${path}.q`, x), heads);
  const mixed = graphAttention(graph, {
    q,
    k: keys,
    v: values,
    heads,
    keyHeads: heads,
    valueWidth: heads * width,
    mask,
    scale: 1,
  });
  return graph.linear(`${path}.o`, mixed);
}

/** The bias of queries at columns start … end − 1 towards keys at 0 … end − 1. -> [1, heads, new, total] */
function positionBias(graph: ModelGraph, config: T5Config, name: Stack, start: string, end: string): string {
  const { onnx } = graph;
  const maxDistance = config.relative_attention_max_distance;
  const options = {
    buckets: config.relative_attention_num_buckets,
    maxDistance,
    bidirectional: name === 'encoder',
  };
  // from the greatest distance on the bucket stays the same
  const buckets = Array.from({ length: 2 * maxDistance + 1 }, (_, i) => relativeBucket(i - maxDistance, options));
  const { keys, own } = columns(graph, start, end);
  const offsets = graph.op('Add', [graph.op('Sub', [keys, own]), onnx.scalar('int64', maxDistance)]); // [new, total]
  const within = graph.op('Max', [
    graph.op('Min', [offsets, onnx.scalar('int64', 2 * maxDistance)]),
    onnx.scalar('int64', 0),
  ]);
  const numbers = graph.op('Gather', [onnx.constant('int64', buckets), within]);
  return graph.unsqueeze(graph.transpose(graph.embedding(biasPath(name), numbers), [2, 0, 1]), [0]);
}

/** Columns of all keys [total], and those of the new tokens [new, 1]. */
const columns = (graph: ModelGraph, start: string, end: string) => ({
  keys: columnRange(graph, end),
  own: graph.unsqueeze(columnRange(graph, end, start), [1]),
});

/** tokens [batch, time] int64, 1 for a token -> [batch, 1, 1, time] */
const padding = (graph: ModelGraph, tokens: string): string => closed(graph, tokenColumns(graph, tokens));
