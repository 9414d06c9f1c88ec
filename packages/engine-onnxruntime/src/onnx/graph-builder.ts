/**
 * Builds one ONNX model, node by node, and serialises it.
 *
 * Every value knows its element type and shape, since emitters decide by them. Constants with equal contents are kept once.
 * Field numbers are those of onnx.proto3 (ModelProto, GraphProto, TensorProto).
 */
import { type OnnxAttributes, onnxTypes, ProtobufWriter, writeOnnxNode, writeOnnxValueInfo } from '@loran/formats';
import type { OnnxType, Value } from '../kernels/kernel.js';
import { rawData } from './element-type.js';

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

export const float = (value: number): { readonly float: number } => ({ float: value });

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
    writeOnnxValueInfo(this.#inputs, 11, value);
    return value;
  }

  /** Declares `value` as a graph output, under another name if one is given (which copies it). Returns the output. */
  output(value: Value, name?: string): Value {
    const result = name === undefined || name === value.name ? value : this.#identity(value, name);
    writeOnnxValueInfo(this.#outputs, 12, result);
    return result;
  }

  /** Appends an operator with one output. An `undefined` input is an optional one left out. */
  node(
    operator: string,
    inputs: readonly (Value | undefined)[],
    { type, shape }: ValueSpec,
    attributes?: OnnxAttributes,
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
    attributes?: OnnxAttributes,
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
      tensor.integer(2, onnxTypes[type]).string(8, value.name).bytes(9, data);
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
  #subgraph(build: () => Value): { readonly graph: Uint8Array } {
    const outer = this.#nodes;
    this.#nodes = new ProtobufWriter();
    const result = this.#identity(build(), `v${this.#count++}`);
    const graph = this.#nodes.string(2, result.name);
    writeOnnxValueInfo(graph, 12, result);
    this.#nodes = outer;
    return { graph: graph.finish() };
  }

  #write(
    operator: string,
    inputs: readonly (Value | undefined)[],
    outputs: readonly string[],
    attributes?: OnnxAttributes,
    domain?: string,
  ): void {
    if (operator === 'BitCast') this.#versions = bitCastVersions;
    writeOnnxNode(this.#nodes, {
      operator,
      inputs: inputs.map((input) => input?.name ?? ''),
      outputs,
      name: `${this.scope}${operator}_${outputs[0] ?? ''}`,
      attributes,
      domain,
    });
  }
}
