/** The activations between the two layers of a feed-forward block as ONNX operators; their formulas stand in layers/. */
import type { HiddenActivation } from '../layers/hidden-activation.js';
import type { ModelGraph } from './model-graph.js';

export const graphActivations: Readonly<Record<HiddenActivation, (graph: ModelGraph, x: string) => string>> = {
  gelu: (graph, x) => {
    const below = graph.with('Mul', graph.with('Add', graph.op('Erf', [graph.with('Mul', x, Math.SQRT1_2)]), 1), 0.5);
    return graph.op('Mul', [x, below]);
  },
  gelu_new: geluTanh,
  gelu_pytorch_tanh: geluTanh,
  relu: (graph, x) => graph.op('Relu', [x]),
  silu: (graph, x) => graph.op('Mul', [x, graph.op('Sigmoid', [x])]),
};

function geluTanh(graph: ModelGraph, x: string): string {
  const inner = graph.op('Mul', [x, graph.with('Add', graph.with('Mul', graph.op('Mul', [x, x]), 0.044715), 1)]);
  const bent = graph.with('Add', graph.op('Tanh', [graph.with('Mul', inner, Math.sqrt(2 / Math.PI))]), 1);
  return graph.op('Mul', [graph.with('Mul', x, 0.5), bent]);
}
