/** Decoders of Llama's shape in ONNX operators: what rotary-decoder.ts computes. */
import type { DecoderGraph } from '../onnx/decoder-graph.js';
import { graphAttention, graphHeads } from '../onnx/graph-attention.js';
import type { GraphSequence } from '../onnx/graph-sequence.js';
import type { ModelGraph } from '../onnx/model-graph.js';
import type { RotaryDecoderOptions } from './rotary-decoder.js';

/** `layerPath`: where a layer's modules stand. */
export function rotaryDecoderGraph(options: RotaryDecoderOptions, layerPath: (layer: number) => string): DecoderGraph {
  const { embeddingScale = 1, sandwich = false, activation } = options;
  return {
    embed(graph, { ids }) {
      const x = graph.embedding('model.embed_tokens', ids);
      return embeddingScale === 1 ? x : graph.with('Mul', x, embeddingScale);
    },
    layer(graph, layer, x, sequence) {
      const path = layerPath(layer);
      const attended = attention(graph, options, { layer, path }, graph.norm(`${path}.input_layernorm`, x), sequence);
      const behind = (name: string, y: string) => (sandwich ? graph.norm(`${path}.${name}`, y) : y);
      const a = graph.add(x, behind('post_attention_layernorm', attended));
      const between = graph.norm(`${path}.${sandwich ? 'pre_feedforward_layernorm' : 'post_attention_layernorm'}`, a);
      const gate = graph.activation(activation, graph.linear(`${path}.mlp.gate_proj`, between));
      const inner = graph.op('Mul', [gate, graph.linear(`${path}.mlp.up_proj`, between)]);
      return graph.add(a, behind('post_feedforward_layernorm', graph.linear(`${path}.mlp.down_proj`, inner)));
    },
    norm: 'model.norm',
  };
}

function attention(
  graph: ModelGraph,
  options: RotaryDecoderOptions,
  { layer, path: layerPath }: { readonly layer: number; readonly path: string },
  x: string,
  sequence: GraphSequence,
): string {
  const { heads, keyHeads, headWidth, queryKeyNorm = false } = options;
  const path = `${layerPath}.self_attn`;
  const rotary = options.rotary(layer);
  const split = (name: string, count: number) => graphHeads(graph, graph.linear(`${path}.${name}`, x), count);
  const turned = (name: string, count: number, norm: string) => {
    const states = split(name, count);
    return sequence.rotate(queryKeyNorm ? graph.norm(`${path}.${norm}`, states) : states, rotary, headWidth);
  };
  const q = turned('q_proj', heads, 'q_norm');
  const { keys, values } = sequence.cached(layer, turned('k_proj', keyHeads, 'k_norm'), split('v_proj', keyHeads));
  const mixed = graphAttention(graph, {
    q,
    k: keys,
    v: values,
    heads,
    keyHeads,
    valueWidth: heads * headWidth,
    mask: sequence.mask(options.window?.(layer)),
    scale: options.attentionScale ?? headWidth ** -0.5,
    cap: options.attentionCap,
  });
  return graph.linear(`${path}.o_proj`, mixed);
}
