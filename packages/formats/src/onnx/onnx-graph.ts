/**
 * An ONNX model in the making: nodes over named values, whose sizes may be known only when the graph runs, and weights that
 * are read when the file is written.
 */
import { Buffer } from 'node:buffer';
import { sizeOf, type TensorBytes, type TensorChunks } from '../tensor-bytes.js';
import type { TensorValues } from '../encode-values.js';
import {
  type GraphAttribute,
  type OnnxValueInfo,
  type OnnxAttributes,
  onnxTypes,
  type OnnxTensorType,
  writeOnnxNode,
  writeOnnxValueInfo,
} from './messages.js';
import { ProtobufWriter } from './protobuf-writer.js';

/** The types that weights are kept in. */
export type OnnxWeightType = 'F32' | 'F16' | 'BF16';

/** A weight: its bytes whole, in chunks, or as fp32 values that are narrowed as they pass. */
export type OnnxWeight = TensorBytes<OnnxWeightType> | TensorChunks<OnnxWeightType> | TensorValues<OnnxWeightType>;

/** Versions that every runtime of the last years reads: IR 8 and operators of set 18. */
export const onnxVersions = { ir: 8, opset: 18 };

export class OnnxGraph {
  #nodes = new ProtobufWriter(1 << 15);
  readonly #constants = new ProtobufWriter();
  readonly #inputs = new ProtobufWriter();
  readonly #outputs = new ProtobufWriter();
  readonly #constantByContent = new Map<string, string>();
  readonly #weights = new Map<string, OnnxWeight>();
  #count = 0;

  /** The weights, by name, in the order in which they were asked for. */
  get weights(): ReadonlyMap<string, OnnxWeight> {
    return this.#weights;
  }

  /** Bytes that the weights will take. */
  get byteLength(): number {
    return [...this.#weights.values()].reduce((sum, { shape, dtype }) => sum + sizeOf(shape, dtype), 0);
  }

  /** Declares an input; a size that varies has a name. Returns the value's name, as all that follow do. */
  input(name: string, type: OnnxTensorType, shape: readonly (number | string)[]): string {
    writeOnnxValueInfo(this.#inputs, 11, { name, type, shape });
    return name;
  }

  /** Declares an output under a name of its own. */
  output(value: string, name: string, type: OnnxTensorType, shape: readonly (number | string)[]): string {
    writeOnnxNode(this.#nodes, { operator: 'Identity', inputs: [value], outputs: [name], name: `output_${name}` });
    writeOnnxValueInfo(this.#outputs, 12, { name, type, shape });
    return name;
  }

  /** Appends an operator of ONNX with one output. '' is an optional input left out. */
  node(operator: string, inputs: readonly string[], attributes?: OnnxAttributes): string {
    return this.nodes(operator, inputs, 1, attributes)[0]!;
  }

  /** Appends an operator with several outputs. */
  nodes(operator: string, inputs: readonly string[], count: number, attributes?: OnnxAttributes): string[] {
    const number = this.#count++;
    const outputs = Array.from({ length: count }, (_, i) => (count === 1 ? `v${number}` : `v${number}_${i}`));
    writeOnnxNode(this.#nodes, { operator, inputs, outputs, name: `${operator}_${number}`, attributes });
    return outputs;
  }

  /**
   * The values of `yes` where the scalar boolean `condition` is true when the graph runs, else those of `no`; the others are not
   * computed. Both may use values made before, and give as many as there are `outputs`.
   */
  branch(
    condition: string,
    outputs: readonly Omit<OnnxValueInfo, 'name'>[],
    yes: () => readonly string[],
    no: () => readonly string[],
  ): string[] {
    const attributes = { then_branch: this.#subgraph(outputs, yes), else_branch: this.#subgraph(outputs, no) };
    return this.nodes('If', [condition], outputs.length, attributes);
  }

  /** A constant; equal ones are kept once. */
  constant(type: 'float32' | 'int64', values: readonly number[], shape: readonly number[] = [values.length]): string {
    const content = `${type}|${shape.join()}|${values.join()}`;
    const known = this.#constantByContent.get(content);
    if (known !== undefined) return known;
    const name = `c${this.#constantByContent.size}`;
    this.#constantByContent.set(content, name);
    this.#writeConstant(name, type, values, shape);
    return name;
  }

  scalar(type: 'float32' | 'int64', value: number): string {
    return this.constant(type, [value], []);
  }

  /** An input that may be left out: it then is empty, its named sizes 0. ONNX Runtime fills such inputs from adapter files. */
  optionalInput(name: string, type: 'float32' | 'int64', shape: readonly (number | string)[]): string {
    this.#writeConstant(
      name,
      type,
      [],
      shape.map((size) => (typeof size === 'number' ? size : 0)),
    );
    return this.input(name, type, shape);
  }

  /** A weight of the model; asked for again, the same. */
  weight(name: string, weight: () => OnnxWeight): string {
    if (!this.#weights.has(name)) this.#weights.set(name, weight());
    return name;
  }

  /** The fields of the GraphProto but for the weights. */
  fields(): Uint8Array<ArrayBuffer> {
    const writer = new ProtobufWriter(1 << 16);
    for (const part of [this.#nodes, this.#constants, this.#inputs, this.#outputs]) writer.raw(part.finish());
    return writer.string(2, 'model').finish();
  }

  /** A graph inside an attribute: nodes and outputs; everything else is taken from the graph around it. */
  #subgraph(outputs: readonly Omit<OnnxValueInfo, 'name'>[], build: () => readonly string[]): GraphAttribute {
    const outer = this.#nodes;
    this.#nodes = new ProtobufWriter();
    const results = build().map((value) => this.node('Identity', [value])); // a value from outside is no output
    const graph = this.#nodes.string(2, 'branch');
    for (const [i, output] of outputs.entries()) writeOnnxValueInfo(graph, 12, { name: results[i]!, ...output });
    this.#nodes = outer;
    return { graph: graph.finish() };
  }

  #writeConstant(name: string, type: 'float32' | 'int64', values: readonly number[], shape: readonly number[]): void {
    const { buffer } = type === 'float32' ? Float32Array.from(values) : BigInt64Array.from(values.map(BigInt));
    this.#constants.message(5, (tensor) => {
      for (const size of shape) tensor.integer(1, size);
      tensor.integer(2, onnxTypes[type]).string(8, name).bytes(9, Buffer.from(buffer));
    });
  }
}
