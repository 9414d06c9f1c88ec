/**
 * The messages that an ONNX model is made of. Field numbers are those of onnx.proto3 (NodeProto, AttributeProto,
 * ValueInfoProto, TensorProto.DataType).
 */
import type { ProtobufWriter } from './protobuf-writer.js';

/** A FLOAT attribute. A plain number is written as INT, so the distinction has to be said. */
export interface FloatAttribute {
  readonly float: number;
}

/** A serialised GraphProto: the branch of an `If`. */
export interface GraphAttribute {
  readonly graph: Uint8Array;
}

export type OnnxAttribute = number | string | readonly number[] | FloatAttribute | GraphAttribute;
export type OnnxAttributes = Readonly<Record<string, OnnxAttribute | undefined>>;

/** `TensorProto.DataType` of each type. */
export const onnxTypes = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  uint32: 12,
  bfloat16: 16,
} as const;

export type OnnxTensorType = keyof typeof onnxTypes;

export interface OnnxNode {
  readonly operator: string;
  /** Names of values; '' is an optional input left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** ONNX Runtime quotes it in its errors. */
  readonly name: string;
  readonly attributes?: OnnxAttributes | undefined;
  /** Default: ONNX's own operators. */
  readonly domain?: string | undefined;
}

export function writeOnnxNode(writer: ProtobufWriter, { operator, name, domain, ...node }: OnnxNode): void {
  writer.message(1, (message) => {
    for (const input of node.inputs) message.string(1, input);
    for (const output of node.outputs) message.string(2, output);
    message.string(3, name).string(4, operator);
    for (const [key, attribute] of Object.entries(node.attributes ?? {})) {
      if (attribute !== undefined) message.message(5, (inner) => writeAttribute(inner, key, attribute));
    }
    if (domain !== undefined) message.string(7, domain);
  });
}

function writeAttribute(writer: ProtobufWriter, name: string, attribute: OnnxAttribute): void {
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

/** A graph's input or output; a size that is known only when the graph runs has a name. */
export interface OnnxValueInfo {
  readonly name: string;
  readonly type: OnnxTensorType;
  readonly shape: readonly (number | string)[];
}

/** `field`: 11 for an input of a graph, 12 for an output. */
export function writeOnnxValueInfo(writer: ProtobufWriter, field: number, { name, type, shape }: OnnxValueInfo): void {
  writer.message(field, (info) =>
    info.string(1, name).message(2, (typeProto) =>
      typeProto.message(1, (tensorType) =>
        tensorType.integer(1, onnxTypes[type]).message(2, (shapeProto) => {
          for (const size of shape) {
            shapeProto.message(1, (dimension) => {
              if (typeof size === 'number') dimension.integer(1, size);
              else dimension.string(2, size);
            });
          }
        }),
      ),
    ),
  );
}
