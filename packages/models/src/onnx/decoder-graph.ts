/** A decoder as an ONNX graph: what its family says of the embeddings and of a layer, and what all have in common. */
import type { CacheShape } from '../decoder/key-value-cache.js';
import { axisSize, columnRange } from './graph-columns.js';
import type { ModelGraph } from './model-graph.js';
import { GraphSequence } from './graph-sequence.js';

/** A family's decoder in ONNX operators. */
export interface DecoderGraph {
  /** What the first layer reads. -> [batch, time, width] */
  embed(graph: ModelGraph, sequence: GraphSequence): string;
  /** x and the result are [batch, time, width]. */
  layer(graph: ModelGraph, layer: number, x: string, sequence: GraphSequence): string;
  /** Path of the normalisation after the last layer. */
  readonly norm: string;
}

/** The states after the last layer, normalised. -> [batch, time, width] */
function hidden(graph: ModelGraph, family: DecoderGraph, layers: number, sequence: GraphSequence): string {
  let x = family.embed(graph, sequence);
  for (let layer = 0; layer < layers; layer++) x = family.layer(graph, layer, x, sequence);
  return graph.norm(family.norm, x);
}

export interface DecoderHead {
  readonly path: string;
  /** Scores of a token, or of a text. */
  readonly outputs: number;
  readonly cap?: number | undefined;
  readonly scale?: number | undefined;
}

/** A causal language model: logits [batch, time, vocabulary], and the keys and values of all tokens. */
export function writeLanguageModel(
  graph: ModelGraph,
  family: DecoderGraph,
  { path, outputs, cap, scale = 1 }: DecoderHead,
  cache: CacheShape,
): void {
  const sequence = new GraphSequence(graph, cache);
  const products = graph.linear(path, hidden(graph, family, cache.layers, sequence));
  const scaled = scale === 1 ? products : graph.with('Mul', products, scale);
  graph.onnx.output(graph.capped(scaled, cap), 'logits', 'float32', ['batch_size', 'sequence_length', outputs]);
}

/** A classifier on a decoder: logits [batch, labels] of each text's last token. Padding may stand on either side. */
export function writeDecoderClassifier(
  graph: ModelGraph,
  family: DecoderGraph,
  { path, outputs }: DecoderHead,
  layers: number,
): void {
  const sequence = new GraphSequence(graph);
  const states = hidden(graph, family, layers, sequence);
  const columns = columnRange(graph, axisSize(graph, sequence.ids, 1)); // [time]
  const tokens = graph.op('Mul', [sequence.attentionMask, columns]);
  const last = graph.op('ArgMax', [tokens], { axis: 1, keepdims: 1 }); // [batch, 1]
  const pooled = graph.op('GatherND', [states, last], { batch_dims: 1 }); // [batch, width]
  graph.onnx.output(graph.linear(path, pooled), 'logits', 'float32', ['batch_size', outputs]);
}
