/**
 * Writes an ONNX model, its weights one after another.
 *
 *   ModelProto { ir_version, producer_name, graph { nodes, …, initializer* }, opset_import }
 *
 * A protocol buffer cannot be longer than 2 GiB. Beyond a limit the weights go into a file of their own beside the model,
 * NAME_data, which the model refers to by place and length, as ONNX's external data does.
 */
import { basename, dirname, join } from 'node:path';
import { type NewFile, replaceFiles } from '../replace-file.js';
import { sizeOf } from '../tensor-bytes.js';
import { writeProgress, type WriteProgressOptions } from '../write-progress.js';
import { writeTensor } from '../write-tensor.js';
import { onnxTypes } from './messages.js';
import { type OnnxGraph, onnxVersions, type OnnxWeight, type OnnxWeightType } from './onnx-graph.js';
import { ProtobufWriter, varintLength } from './protobuf-writer.js';

export interface WriteOnnxOptions extends WriteProgressOptions {
  /** Bytes of weights from which on they get a file of their own; default 1.5 GB. */
  readonly maxInlineBytes?: number;
}

const codes: Readonly<Record<OnnxWeightType, number>> = {
  F32: onnxTypes.float32,
  F16: onnxTypes.float16,
  BF16: onnxTypes.bfloat16,
};

const alignment = 4096; // pages, so that a runtime may map a weight into memory

/**
 * Writes `file`, and `file`_data where the weights are many; returns the names of the files. Both are replaced whole or not at
 * all. Throws INVALID_TENSOR for bytes that do not fit a shape, WRITE_FAILED.
 */
export async function writeOnnx(
  file: string,
  graph: OnnxGraph,
  { maxInlineBytes = 1.5e9, ...options }: WriteOnnxOptions = {},
): Promise<readonly string[]> {
  const weights = [...graph.weights];
  const progress = writeProgress(weights, options);
  const files =
    graph.byteLength > maxInlineBytes
      ? external(file, graph, weights, progress)
      : [inline(file, graph, weights, progress)];
  await replaceFiles(files);
  return files.map(({ path }) => basename(path));
}

type Weights = readonly (readonly [name: string, weight: OnnxWeight])[];

type Progress = ReturnType<typeof writeProgress>;

function inline(path: string, graph: OnnxGraph, weights: Weights, progress: Progress): NewFile {
  const heads = weights.map(([name, weight]) => described(name, weight).finish());
  const lengths = weights.map(([, { shape, dtype }], i) => {
    const bytes = sizeOf(shape, dtype);
    return heads[i]!.length + 1 + varintLength(bytes) + bytes; // with raw_data's tag
  });
  const fields = graph.fields();
  const length = lengths.reduce((sum, size) => sum + 1 + varintLength(size) + size, fields.length);
  return {
    path,
    async produce(write) {
      await write(opening().open(7, length).finish());
      await write(fields);
      for (const [i, [name, weight]] of weights.entries()) {
        await write(
          new ProtobufWriter().open(5, lengths[i]!).raw(heads[i]!).open(9, sizeOf(weight.shape, weight.dtype)).finish(),
        );
        await writeTensor(write, path, name, weight, progress);
      }
      await write(closing().finish());
    },
  };
}

/** The file of weights comes first: a model must never refer to what is not there yet. */
function external(path: string, graph: OnnxGraph, weights: Weights, progress: Progress): NewFile[] {
  const location = `${basename(path)}_data`;
  const starts: number[] = [];
  let end = 0;
  for (const [, { shape, dtype }] of weights) {
    starts.push(aligned(end));
    end = aligned(end) + sizeOf(shape, dtype);
  }
  return [
    {
      path: join(dirname(path), location),
      async produce(write) {
        let place = 0;
        for (const [i, [name, weight]] of weights.entries()) {
          if (starts[i]! > place) await write(new Uint8Array(starts[i]! - place));
          await writeTensor(write, path, name, weight, progress);
          place = starts[i]! + sizeOf(weight.shape, weight.dtype);
        }
      },
    },
    {
      path,
      async produce(write) {
        const model = opening().message(7, (message) => {
          message.raw(graph.fields());
          for (const [i, [name, weight]] of weights.entries()) {
            const entries = { location, offset: starts[i]!, length: sizeOf(weight.shape, weight.dtype) };
            message.message(5, (tensor) => {
              tensor.raw(described(name, weight).finish());
              for (const [key, value] of Object.entries(entries)) {
                tensor.message(13, (entry) => entry.string(1, key).string(2, String(value)));
              }
              tensor.integer(14, 1); // data_location: EXTERNAL
            });
          }
        });
        await write(model.finish());
        await write(closing().finish());
      },
    },
  ];
}

const aligned = (offset: number): number => Math.ceil(offset / alignment) * alignment;

const opening = (): ProtobufWriter => new ProtobufWriter().integer(1, onnxVersions.ir).string(2, 'loran');

const closing = (): ProtobufWriter =>
  new ProtobufWriter().message(8, (entry) => entry.string(1, '').integer(2, onnxVersions.opset));

/** A TensorProto without its bytes. */
function described(name: string, { shape, dtype }: OnnxWeight): ProtobufWriter {
  const writer = new ProtobufWriter();
  for (const size of shape) writer.integer(1, size);
  return writer.integer(2, codes[dtype]).string(8, name);
}
