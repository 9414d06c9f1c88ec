/**
 * Builds one ONNX model, node by node, and serialises it.
 *
 * Every value knows its element type and shape, since emitters decide by them. Constants with equal contents are kept once.
 * Field numbers are those of onnx.proto3 (ModelProto, GraphProto, NodeProto, AttributeProto, TensorProto).
 */
import type { OnnxType, Value } from '../kernels/kernel.js';
import { elementTypeCode, rawData } from './element-type.js';
import { ProtobufWriter } from './protobuf-writer.js';

/** A FLOAT attribute. A plain number is written as INT, so the distinction has to be said. */
export interface FloatAttribute {
  readonly float: number;
}
export type Attribute = number | string | readonly number[] | FloatAttribute;
export type Attributes = Readonly<Record<string, Attribute | undefined>>;

interface GraphAttribute {
  readonly graph: Uint8Array;
}

/** Type and shape of a value that a node makes. */
export interface ValueSpec {
  readonly type: OnnxType;
  readonly shape: readonly number[];
}

/** Operators of ONNX Runtime beyond the standard. */
export const microsoft = 'com.microsoft';

/** What everything is written in, but for BitCast, which is newer. */
const versions = { irVersion: 9, opset: 20 };
const bitCastVersions = { irVersion: 13, opset: 26 };

export const float = (value: number): FloatAttribute => ({ float: value });

export class GraphBuilder {
  /** Prefix of the names of nodes that follow; ONNX Runtime quotes node names in its errors. */
  scope = '';

  #nodes = new ProtobufWriter(1 << 15);
  readonly #constants = new ProtobufWriter();
  readonly #inputs = new ProtobufWriter();
  readonly #outputs = new ProtobufWriter();
  readonly #constantByContent = new Map<string, Value>();
  #count = 0;
  #versions = versions;

  /** Declares a graph input. */
  input(name: string, type: OnnxType, shape: readonly number[]): Value {
    const value = { name, type, shape };
    writeValueInfo(this.#inputs, 11, value);
    return value;
  }

  /** Declares `value` as a graph output, under another name if one is given (which copies it). Returns the output. */
  output(value: Value, name?: string): Value {
    const result = name === undefined || name === value.name ? value : this.#identity(value, name);
    writeValueInfo(this.#outputs, 12, result);
    return result;
  }

  /** Appends an operator with one output. An `undefined` input is an optional one left out. */
  node(
    operator: string,
    inputs: readonly (Value | undefined)[],
    { type, shape }: ValueSpec,
    attributes?: Attributes,
    domain?: string,
  ): Value {
    const value: Value = { name: `v${this.#count++}`, type, shape };
    this.#write(operator, inputs, [value.name], attributes, domain);
    return value;
  }

  /** Appends an operator with several outputs; `undefined` stands for an output that is not wanted. */
  nodes(
    operator: string,
    inputs: readonly (Value | undefined)[],
    outputs: readonly ValueSpec[],
    attributes?: Attributes,
    domain?: string,
  ): Value[] {
    const values = outputs.map(({ type, shape }): Value => ({ name: `v${this.#count++}`, type, shape }));
    this.#write(
      operator,
      inputs,
      values.map(({ name }) => name),
      attributes,
      domain,
    );
    return values;
  }

  /**
   * The value of `yes` where the scalar `condition` is true when the graph runs, else that of `no`; the other is not
   * computed. Both may use values made before.
   */
  branch(condition: Value, { type, shape }: ValueSpec, yes: () => Value, no: () => Value): Value {
    const value: Value = { name: `v${this.#count++}`, type, shape };
    const branches = { then_branch: this.#subgraph(yes), else_branch: this.#subgraph(no) };
    this.#write('If', [condition], [value.name], branches);
    return value;
  }

  /** A constant: an initializer of the graph, shared by all nodes that ask for the same contents. */
  constant(type: OnnxType, values: ArrayLike<number>, shape: readonly number[]): Value {
    const data = rawData(type, values);
    const content = `${type}|${shape.join()}|${Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('latin1')}`;
    const known = this.#constantByContent.get(content);
    if (known !== undefined) return known;
    const value: Value = { name: `c${this.#constantByContent.size}`, type, shape };
    this.#constantByContent.set(content, value);
    this.#constants.message(5, (tensor) => {
      for (const size of shape) tensor.integer(1, size);
      tensor.integer(2, elementTypeCode[type]).string(8, value.name).bytes(9, data);
    });
    return value;
  }

  scalar(type: OnnxType, value: number): Value {
    return this.constant(type, [value], []);
  }

  /** A one-dimensional int64 constant: axes, shapes, starts and ends. */
  integers(values: readonly number[]): Value {
    return this.constant('int64', values, [values.length]);
  }

  /** The serialised ModelProto. */
  model(): Uint8Array<ArrayBuffer> {
    return new ProtobufWriter(1 << 16)
      .integer(1, this.#versions.irVersion)
      .string(2, 'loran')
      .message(7, (graph) => {
        graph.string(2, 'graph');
        for (const part of [this.#nodes, this.#constants, this.#inputs, this.#outputs]) graph.raw(part.finish());
      })
      .message(8, (entry) => entry.string(1, '').integer(2, this.#versions.opset))
      .message(8, (entry) => entry.string(1, microsoft).integer(2, 1))
      .finish();
  }

  #identity(value: Value, name: string): Value {
    this.#write('Identity', [value], [name]);
    return { ...value, name };
  }

  /** A graph inside an attribute: nodes and their one output; everything else is taken from the graph around it. */
  #subgraph(build: () => Value): GraphAttribute {
    const outer = this.#nodes;
    this.#nodes = new ProtobufWriter();
    const result = this.#identity(build(), `v${this.#count++}`);
    const graph = this.#nodes.string(2, result.name);
    writeValueInfo(graph, 12, result);
    this.#nodes = outer;
    return { graph: graph.finish() };
  }

  #write(
    operator: string,
    inputs: readonly (Value | undefined)[],
    outputs: readonly string[],
    attributes: Readonly<Record<string, Attribute | GraphAttribute | undefined>> = {},
    domain?: string,
  ): void {
    if (operator === 'BitCast') this.#versions = bitCastVersions;
    this.#nodes.message(1, (node) => {
      for (const input of inputs) node.string(1, input?.name ?? '');
      for (const name of outputs) node.string(2, name);
      node.string(3, `${this.scope}${operator}_${outputs[0] ?? ''}`).string(4, operator);
      for (const [name, attribute] of Object.entries(attributes)) {
        if (attribute !== undefined) node.message(5, (writer) => writeAttribute(writer, name, attribute));
      }
      if (domain !== undefined) node.string(7, domain);
    });
  }
}

function writeAttribute(writer: ProtobufWriter, name: string, attribute: Attribute | GraphAttribute): void {
  writer.string(1, name);
  if (typeof attribute === 'number') writer.integer(3, attribute).integer(20, 2);
  else if (typeof attribute === 'string') writer.string(4, attribute).integer(20, 3);
  else if ('float' in attribute) writer.float(2, attribute.float).integer(20, 1);
  else if ('graph' in attribute) writer.bytes(6, attribute.graph).integer(20, 5);
  else {
    for (const value of attribute) writer.integer(8, value);
    writer.integer(20, 7);
  }
}

function writeValueInfo(writer: ProtobufWriter, field: number, { name, type, shape }: Value): void {
  writer.message(field, (info) =>
    info.string(1, name).message(2, (typeProto) =>
      typeProto.message(1, (tensorType) =>
        tensorType.integer(1, elementTypeCode[type]).message(2, (shapeProto) => {
          for (const size of shape) shapeProto.message(1, (dimension) => dimension.integer(1, size));
        }),
      ),
    ),
  );
}
