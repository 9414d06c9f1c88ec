/** Columns of texts in ONNX, whose number is known when the graph runs, and masks over them. */
import type { ModelGraph } from './model-graph.js';

/** The size of one axis. -> [1] int64 */
export const axisSize = (graph: ModelGraph, x: string, axis: number): string =>
  graph.op('Shape', [x], { start: axis, end: axis + 1 });

/** Columns from `start` on, before `end`, each [1] int64; default: from 0. -> [end − start] int64 */
export function columnRange(graph: ModelGraph, end: string, start?: string): string {
  const { onnx } = graph;
  const first = start === undefined ? onnx.scalar('int64', 0) : graph.op('Squeeze', [start]);
  return graph.op('Range', [first, graph.op('Squeeze', [end]), onnx.scalar('int64', 1)]);
}

/** Which columns hold tokens. mask [batch, columns] int64, 1 for a token -> [batch, 1, 1, columns] bool */
export const tokenColumns = (graph: ModelGraph, mask: string): string =>
  graph.unsqueeze(graph.op('Cast', [mask], { to: 9 }), [1, 2]);

/** Added to scores: 0 where a boolean value is true, −10⁹ elsewhere. */
export const closed = (graph: ModelGraph, open: string): string =>
  graph.op('Where', [open, graph.onnx.scalar('float32', 0), graph.onnx.scalar('float32', -1e9)]);
