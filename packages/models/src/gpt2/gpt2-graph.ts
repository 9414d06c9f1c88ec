/** GPT-2 in ONNX operators: what gpt2.ts computes. */
import type { HiddenActivation } from '../layers/hidden-activation.js';
import type { DecoderGraph } from '../onnx/decoder-graph.js';
import { graphAttention, graphHeads } from '../onnx/graph-attention.js';

export interface Gpt2GraphOptions {
  readonly width: number;
  readonly heads: number;
  readonly activation: HiddenActivation;
  readonly layerPath: (layer: number) => string;
  /** Factor of the products of attention. */
  readonly scale: (layer: number) => number;
}

export function gpt2Graph({ width, heads, activation, layerPath, scale }: Gpt2GraphOptions): DecoderGraph {
  return {
    embed: (graph, { ids, positions }) =>
      graph.add(graph.embedding('transformer.wte', ids), graph.embedding('transformer.wpe', positions)),
    layer(graph, layer, x, sequence) {
      const path = layerPath(layer);
      const fused = graph.linear(`${path}.attn.c_attn`, graph.norm(`${path}.ln_1`, x)); // [batch, time, 3·width]
      const sizes = graph.onnx.constant('int64', [width, width, width]);
      const [q, k, v] = graph.onnx
        .nodes('Split', [fused, sizes], 3, { axis: 2 })
        .map((part) => graphHeads(graph, part, heads));
      const { keys, values } = sequence.cached(layer, k!, v!);
      const mixed = graphAttention(graph, {
        q: q!,
        k: keys,
        v: values,
        heads,
        keyHeads: heads,
        valueWidth: width,
        mask: sequence.mask(),
        scale: scale(layer),
      });
      const a = graph.add(x, graph.linear(`${path}.attn.c_proj`, mixed));
      const inner = graph.activation(activation, graph.linear(`${path}.mlp.c_fc`, graph.norm(`${path}.ln_2`, a)));
      return graph.add(a, graph.linear(`${path}.mlp.c_proj`, inner));
    },
    norm: 'transformer.ln_f',
  };
}
