/** Scaled dot-product attention in ONNX; see layers/grouped-attention.ts for the formula. */
import type { ModelGraph } from './model-graph.js';

export interface GraphAttention {
  readonly q: string; // [batch, heads, time, width]
  readonly k: string; // [batch, keyHeads, columns, width]
  readonly v: string; // [batch, keyHeads, columns, valueWidth]
  readonly heads: number;
  readonly keyHeads: number;
  /** Features of all heads' values together. */
  readonly valueWidth: number;
  /** Added to the scores. */
  readonly mask: string; // [batch, 1, time or 1, columns]
  readonly scale: number;
  readonly cap?: number | undefined;
}

/** -> [batch, time, heads·valueWidth] */
export function graphAttention(
  graph: ModelGraph,
  { q, k, v, heads, keyHeads, mask, scale, cap, valueWidth }: GraphAttention,
): string {
  const width = valueWidth / heads;
  const isGrouped = heads !== keyHeads;
  const scaled = scale === 1 ? q : graph.with('Mul', q, scale);
  const grouped = isGrouped ? graph.reshape(scaled, [0, keyHeads, -1, width]) : scaled;
  const products = graph.op('MatMul', [grouped, graph.transpose(k, [0, 1, 3, 2])]); // [batch, keyHeads, group·time, columns]
  const capped = graph.capped(products, cap);
  const scores = isGrouped ? graph.reshape(capped, [0, heads, -1, 0]) : capped;
  const weights = graph.op('Softmax', [graph.add(scores, mask)], { axis: -1 });
  const kept = isGrouped ? graph.reshape(weights, [0, keyHeads, -1, 0]) : weights;
  const mixed = graph.op('MatMul', [kept, v]);
  const byHead = isGrouped ? graph.reshape(mixed, [0, heads, -1, width]) : mixed; // [batch, heads, time, width]
  return graph.reshape(graph.transpose(byHead, [0, 2, 1, 3]), [0, 0, valueWidth]);
}

/** x [batch, time, heads·width] -> [batch, heads, time, width] */
export function graphHeads(graph: ModelGraph, x: string, heads: number): string {
  return graph.transpose(graph.reshape(x, [0, 0, heads, -1]), [0, 2, 1, 3]);
}
