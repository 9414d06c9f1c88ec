/**
 * Leaves out copies that only spread a tensor over another: elementwise operators of ONNX broadcast by themselves.
 *
 * tfjs's gradients of sums and means broadcast explicitly (`Tile`): [1024, 1] written out as [1024, 8192], to be multiplied once.
 */
import type { Entry, Node, NodeInput } from './node.js';
import type { Plan } from './plan.js';
import { sameShape } from './plan.js';

const elementwise = new Set(['Add', 'Sub', 'Multiply', 'RealDiv', 'Maximum', 'Minimum', 'SquaredDifference']);

export interface Spreads {
  /** What each elementwise node reads instead of its inputs. */
  readonly inputs: ReadonlyMap<Node, readonly NodeInput[]>;
  /** Nodes whose outputs nobody reads any more. */
  readonly unread: ReadonlySet<Node>;
}

export function spreads({ nodes, outputs }: Plan): Spreads {
  const narrow = new Map<Entry, NodeInput>();
  for (const { op, inputs, outputs: made } of nodes) {
    const [input] = inputs;
    if (op !== 'Tile' || input === undefined || made[0] === undefined) continue;
    const { shape } = made[0];
    if (input.shape.every((length, axis) => length === 1 || length === shape[axis])) narrow.set(made[0], input);
  }

  const read = new Set<Entry>(outputs);
  const changed = new Map<Node, readonly NodeInput[]>();
  for (const node of nodes) {
    const inputs = elementwise.has(node.op) ? withoutSpreads(node, narrow) : node.inputs;
    if (inputs !== node.inputs) changed.set(node, inputs);
    for (const { entry } of inputs) read.add(entry);
  }
  const unread = nodes.filter(({ outputs: made }) => made.every((entry) => narrow.has(entry) && !read.has(entry)));
  return { inputs: changed, unread: new Set(unread) };
}

/** The node's inputs with spread ones replaced by what was spread, as long as its output keeps its shape. */
function withoutSpreads({ inputs, outputs }: Node, narrow: ReadonlyMap<Entry, NodeInput>): readonly NodeInput[] {
  const shape = outputs[0]?.shape ?? [];
  let result = inputs;
  for (const [i, { entry, shape: wide, type }] of inputs.entries()) {
    const source = narrow.get(entry);
    if (source?.type !== type || !sameShape(wide, entry.shape)) continue;
    const replaced = result.with(i, source);
    if (sameShape(broadcastShape(replaced), shape)) result = replaced;
  }
  return result;
}

function broadcastShape(inputs: readonly NodeInput[]): number[] {
  const rank = Math.max(...inputs.map(({ shape }) => shape.length));
  return Array.from({ length: rank }, (_, axis) =>
    Math.max(...inputs.map(({ shape }) => shape[axis - rank + shape.length] ?? 1)),
  );
}
