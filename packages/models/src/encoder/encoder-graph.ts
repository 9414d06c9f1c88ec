/** Encoders of BERT's shape in ONNX operators: what encoder-stack.ts computes. */
import { graphAttention, graphHeads } from '../onnx/graph-attention.js';
import { axisSize, closed, columnRange, tokenColumns } from '../onnx/graph-columns.js';
import type { ModelGraph } from '../onnx/model-graph.js';
import type { EncoderFacts } from './encoder-facts.js';

export interface EncoderStates {
  /** The last layer's. */
  readonly states: string; // [batch, time, width]
  readonly attentionMask: string; // [batch, time] int64, 1 for a token
}

const sizes = ['batch_size', 'sequence_length'];

/** Inputs input_ids, attention_mask and, where there are several types, token_type_ids: all [batch, time] int64. */
export function writeEncoder(graph: ModelGraph, facts: EncoderFacts, root: string): EncoderStates {
  const { onnx } = graph;
  const ids = onnx.input('input_ids', 'int64', sizes);
  const attentionMask = onnx.input('attention_mask', 'int64', sizes);
  const embedding = (name: string, of: string) => graph.embedding(`${root}embeddings.${name}`, of);
  const places = embedding('position_embeddings', positions(graph, facts, ids, attentionMask));
  const words = graph.add(embedding('word_embeddings', ids), places);
  const all =
    facts.tokenTypes === undefined
      ? words
      : graph.add(words, embedding('token_type_embeddings', tokenTypes(graph, facts.tokenTypes)));
  const mask = closed(graph, tokenColumns(graph, attentionMask)); // [batch, 1, 1, time]
  let x = graph.norm(`${root}embeddings.LayerNorm`, all);
  for (let n = 0; n < facts.layers; n++) x = layer(graph, facts, `${root}${facts.layerPath(n)}`, x, mask);
  return { states: x, attentionMask };
}

/** Of each text the first state, or the mean over its tokens. -> [batch, width] */
export function writePooling(
  graph: ModelGraph,
  { states, attentionMask }: EncoderStates,
  pooling: 'cls' | 'mean',
): string {
  const { onnx } = graph;
  if (pooling === 'cls') return graph.op('Gather', [states, onnx.scalar('int64', 0)], { axis: 1 });
  const tokens = graph.op('Cast', [attentionMask], { to: 1 });
  const count = graph.with('Max', graph.op('ReduceSum', [tokens, onnx.constant('int64', [1])]), 1e-9); // [batch, 1]
  const shares = graph.unsqueeze(graph.op('Div', [tokens, count]), [1]); // [batch, 1, time]
  return graph.op('Squeeze', [graph.op('MatMul', [shares, states]), onnx.constant('int64', [1])]);
}

/** Of one type alone nothing is asked. */
function tokenTypes({ onnx }: ModelGraph, types: number): string {
  return types === 1 ? onnx.constant('int64', [0]) : onnx.input('token_type_ids', 'int64', sizes);
}

/** Columns from 0; or tokens counted from a first position, where padding has the one before. */
function positions(graph: ModelGraph, { firstPosition }: EncoderFacts, ids: string, mask: string): string {
  const scalar = (value: number) => graph.onnx.scalar('int64', value);
  if (firstPosition === undefined) return columnRange(graph, axisSize(graph, ids, 1)); // [time]
  const counted = graph.op('Mul', [graph.op('CumSum', [mask, scalar(1)]), mask]);
  return graph.op('Add', [counted, scalar(firstPosition - 1)]); // [batch, time]
}

function layer(graph: ModelGraph, facts: EncoderFacts, path: string, x: string, mask: string): string {
  const { names, heads, width, activation } = facts;
  const split = (name: string) => graphHeads(graph, graph.linear(`${path}.${name}`, x), heads);
  const mixed = graphAttention(graph, {
    q: split(names.query),
    k: split(names.key),
    v: split(names.value),
    heads,
    keyHeads: heads,
    valueWidth: width,
    mask,
    scale: Math.sqrt(heads / width),
  });
  const attended = graph.add(graph.linear(`${path}.${names.attentionOutput}`, mixed), x);
  const a = graph.norm(`${path}.${names.attentionNorm}`, attended);
  const inner = graph.activation(activation, graph.linear(`${path}.${names.intermediate}`, a));
  return graph.norm(`${path}.${names.outputNorm}`, graph.add(graph.linear(`${path}.${names.output}`, inner), a));
}
