/** Falcon in ONNX operators: what falcon-block.ts computes. */
import type { DecoderGraph } from '../onnx/decoder-graph.js';
import { graphAttention } from '../onnx/graph-attention.js';
import type { GraphSequence } from '../onnx/graph-sequence.js';
import type { ModelGraph } from '../onnx/model-graph.js';
import { type FalconFacts, layerPath } from './falcon-block.js';

export function falconGraph(facts: FalconFacts): DecoderGraph {
  return {
    embed: (graph, { ids }) => graph.embedding('transformer.word_embeddings', ids),
    layer(graph, layer, x, sequence) {
      const path = layerPath(layer);
      const normed = (name: string, y: string) => graph.norm(`${path}.${name}`, y);
      const attended = (y: string) => attention(graph, facts, layer, y, sequence);
      const fed = (y: string) => {
        const inner = graph.activation(facts.activation, graph.linear(`${path}.mlp.dense_h_to_4h`, y));
        return graph.linear(`${path}.mlp.dense_4h_to_h`, inner);
      };
      if (facts.norms === 'in turn') {
        const a = graph.add(x, attended(normed('input_layernorm', x)));
        return graph.add(a, fed(normed('post_attention_layernorm', a)));
      }
      const forAttention = normed(facts.norms === 'two' ? 'ln_attn' : 'input_layernorm', x);
      const forFeedForward = facts.norms === 'two' ? normed('ln_mlp', x) : forAttention;
      return graph.add(x, graph.add(fed(forFeedForward), attended(forAttention)));
    },
    norm: 'transformer.ln_f',
  };
}

function attention(graph: ModelGraph, facts: FalconFacts, layer: number, x: string, sequence: GraphSequence): string {
  const { heads, keyHeads, headWidth, positions } = facts;
  const path = `${layerPath(layer)}.self_attention`;
  const queries = heads / keyHeads;
  const fused = graph.linear(`${path}.query_key_value`, x); // group by group: its queries, its key, its value
  const groups = graph.reshape(fused, [0, 0, keyHeads, queries + 2, headWidth]);
  const sizes = graph.onnx.constant('int64', [queries, 1, 1]);
  const [q, k, v] = graph.onnx
    .nodes('Split', [groups, sizes], 3, { axis: 3 })
    .map((part) => graph.transpose(graph.reshape(part, [0, 0, -1, headWidth]), [0, 2, 1, 3]));
  const scale = headWidth ** -0.5;
  const isAlibi = positions instanceof Float32Array;
  const turned = (y: string) => (isAlibi ? y : sequence.rotate(y, positions, headWidth));
  const { keys, values } = sequence.cached(layer, turned(k!), v!);
  const mixed = graphAttention(graph, {
    q: turned(q!),
    k: keys,
    v: values,
    heads,
    keyHeads,
    valueWidth: heads * headWidth,
    mask: isAlibi ? alibi(graph, positions, heads, scale, sequence) : sequence.mask(),
    scale,
  });
  return graph.linear(`${path}.dense`, mixed);
}

/** The mask with a head's bias for each key; Falcon scales ALiBi with the products. -> [batch, heads, time, total] */
function alibi(graph: ModelGraph, table: Float32Array, heads: number, scale: number, sequence: GraphSequence): string {
  return sequence.shared(table, () => {
    const { buffer, byteOffset, byteLength } = table.map((value) => value * scale);
    const rows = graph.onnx.weight('alibi', () => ({
      dtype: 'F32',
      shape: [table.length / heads, heads],
      data: new Uint8Array(buffer, byteOffset, byteLength),
    }));
    const biases = graph.op('Gather', [rows, sequence.keyPositions()]); // [batch, total, heads]
    return graph.add(graph.unsqueeze(graph.transpose(biases, [0, 2, 1]), [2]), sequence.mask());
  });
}
