/**
 * Writes the ONNX model of a plan: every node's emitter in turn, between the graph's inputs and outputs.
 *
 * Each node emits under the scope `n<position>/`, so that ONNX Runtime's errors, which quote node names, lead back to the tfjs op.
 */
import { GraphBuilder } from '../onnx/graph-builder.js';
import type { OnnxType, Value } from '../kernels/kernel.js';
import type { GraphInput, Model, WireType } from '../worker/protocol.js';
import type { Entry, Leaf, Node } from './node.js';
import { sameShape, type Plan } from './plan.js';
import { spreads } from './spread.js';

/** An emitter refused or broke its promise. */
export class EmitFailure extends Error {
  constructor(
    readonly node: Node,
    cause: unknown,
  ) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** Throws `EmitFailure`, which names the node. */
export function compile(plan: Plan): Model {
  const { nodes, leaves, outputs } = plan;
  const graph = new GraphBuilder();
  const leafValues = leaves.map((leaf) => declare(graph, leaf));
  const made = new Map<Entry, Value>();
  const adapted = new Map<string, Value>();

  /** The value in the type and shape that the node expects. */
  const adapt = (value: Value, type: OnnxType, shape: readonly number[]): Value => {
    const fits = sameShape(value.shape, shape);
    if (value.type === type && fits) return value;
    const name = `${value.name}:${type}:${shape.join()}`;
    const known = adapted.get(name);
    if (known !== undefined) return known;
    const cast =
      value.type === type ? value : graph.node('Cast', [value], { type, shape: value.shape }, { to: castCode[type] });
    const result = fits
      ? cast
      : graph.node('Reshape', [cast, graph.integers(shape)], { type, shape }, { allowzero: 1 });
    adapted.set(name, result);
    return result;
  };

  const spread = spreads(plan);
  for (const [position, node] of nodes.entries()) {
    if (spread.unread.has(node)) continue;
    graph.scope = `n${position}/`;
    const inputs = (spread.inputs.get(node) ?? node.inputs).map(({ entry, shape, type }) => {
      const value =
        made.get(entry) ?? leafValues[entry.leaves.find((leaf) => sameShape(leaf.shape, shape))?.number ?? -1];
      if (value === undefined) throw new Error(`Input of ${node.op} is neither a leaf nor computed before it.`);
      return adapt(value, type, shape);
    });
    for (const [i, value] of emit(graph, node, inputs).entries()) {
      const entry = node.outputs[i];
      if (entry !== undefined) made.set(entry, value);
    }
  }

  graph.scope = '';
  const taken = new Set(leafValues.map(({ name }) => name));
  const names = outputs.map((entry, i) => {
    const computed = made.get(entry);
    if (computed === undefined) throw new Error('A wanted tensor is not computed by its plan.');
    const value = asWire(graph, computed);
    // A graph input, or a value given out already, can be an output only under another name.
    const output = graph.output(value, taken.has(value.name) ? `out${i}` : undefined);
    taken.add(output.name);
    return output.name;
  });
  return { bytes: graph.model(), inputs: leaves.map(graphInput), outputs: names };
}

function emit(graph: GraphBuilder, node: Node, inputs: readonly Value[]): readonly Value[] {
  let values: readonly Value[];
  try {
    const emitted = node.emit(graph, inputs, node.attrs, node.specs);
    values = 'name' in emitted ? [emitted] : emitted;
  } catch (error) {
    throw new EmitFailure(node, error);
  }
  for (const [i, entry] of node.outputs.entries()) {
    const value = values[i];
    if (value?.type !== entry.type || !sameShape(value.shape, entry.shape)) {
      const found = value === undefined ? 'nothing' : `${value.type}[${value.shape.join()}]`;
      throw new EmitFailure(
        node,
        `its emitter gave ${found} as output ${i}, declared ${entry.type}[${entry.shape.join()}]`,
      );
    }
  }
  return values;
}

const castCode: Readonly<Record<OnnxType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  uint32: 12,
  bfloat16: 16,
  uint16: 4,
};

/** bfloat16, which the runtime's JavaScript tensors do not know, comes in as its bits. */
function declare(graph: GraphBuilder, leaf: Leaf): Value {
  const { name, type, shape } = graphInput(leaf);
  const input = graph.input(name, type, shape);
  if (leafType(leaf) !== 'bfloat16') return input;
  return graph.node('BitCast', [input], { type: 'bfloat16', shape }, { to: castCode.bfloat16 });
}

/** And goes out as them. */
function asWire(graph: GraphBuilder, value: Value): Value {
  const type = wireType(value.type);
  if (type === value.type) return value;
  return graph.node('BitCast', [value], { type, shape: value.shape }, { to: castCode[type] });
}

function leafType({ entry: { type } }: Leaf): OnnxType {
  if (type === null) throw new Error('Strings cannot be read by a graph.');
  return type;
}

function graphInput(leaf: Leaf): GraphInput {
  return { name: `L${leaf.number}`, type: wireType(leafType(leaf)), shape: leaf.shape };
}

export function wireType(type: OnnxType): WireType {
  return type === 'bfloat16' ? 'uint16' : type;
}
