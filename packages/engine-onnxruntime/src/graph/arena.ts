/**
 * How much memory a graph's intermediate values take at once: what its session will keep, as ONNX Runtime's arenas never shrink.
 *
 * An estimate. The values live from the node that makes them to the last that reads them, nodes run in the order of the plan,
 * and what an emitter needs within a node is not counted.
 */
import type { Entry } from './node.js';
import type { Plan } from './plan.js';
import { bytesOf } from './stored-bytes.js';

export function arenaBytes({ nodes, outputs }: Plan): number {
  const lastUse = new Map<Entry, number>();
  for (const node of nodes) {
    for (const output of node.outputs) lastUse.set(output, node.position);
    for (const { entry } of node.inputs) if (lastUse.has(entry)) lastUse.set(entry, node.position);
  }
  for (const output of outputs) lastUse.set(output, Infinity);

  let [live, peak] = [0, 0];
  for (const node of nodes) {
    for (const output of node.outputs) live += bytesOf(output);
    peak = Math.max(peak, live);
    for (const entry of new Set([...node.inputs.map((input) => input.entry), ...node.outputs])) {
      if (lastUse.get(entry) === node.position) live -= bytesOf(entry);
    }
  }
  return peak;
}
