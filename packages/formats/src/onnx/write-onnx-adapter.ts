/**
 * Writes an adapter for ONNX Runtime: an .onnx_adapter file, whose tensors fill inputs of a model by their names.
 *
 *   table Parameter { name: string; dims: [int64]; data_type: int32; raw_data: [uint8], aligned to 8 bytes }
 *   table Adapter   { format_version: int32 = 1; adapter_version: int32; model_version: int32; parameters: [Parameter] }
 *
 * A FlatBuffer with the identifier TORT, as of ONNX Runtime 1.20 (onnxruntime/lora/adapter_format). Element types have the
 * numbers of TensorProto.DataType.
 */
import { Builder, type Offset } from 'flatbuffers';
import { writeFileAtomic } from '../replace-file.js';
import { sizeOf, type TensorBytes } from '../tensor-bytes.js';
import { wrongSize } from '../write-tensor.js';
import { onnxTypes } from './messages.js';

const formatVersion = 1;

const codes = { F32: onnxTypes.float32, F16: onnxTypes.float16 };

/** The file is replaced whole or not at all. Throws INVALID_TENSOR for bytes that do not fit a shape, WRITE_FAILED. */
export async function writeOnnxAdapter(
  file: string,
  tensors: ReadonlyMap<string, TensorBytes<'F32' | 'F16'>>,
): Promise<void> {
  const builder = new Builder(1024);
  const parameters = [...tensors].map(([name, tensor]) => parameter(builder, file, name, tensor));
  builder.startVector(4, parameters.length, 4);
  for (const offset of parameters.toReversed()) builder.addOffset(offset);
  const list = builder.endVector();
  builder.startObject(4);
  builder.addFieldInt32(0, formatVersion, 0);
  builder.addFieldInt32(1, 1, 0);
  builder.addFieldInt32(2, 1, 0);
  builder.addFieldOffset(3, list, 0);
  builder.finish(builder.endObject(), 'TORT');
  await writeFileAtomic(file, builder.asUint8Array());
}

function parameter(
  builder: Builder,
  file: string,
  name: string,
  { dtype, shape, data }: TensorBytes<'F32' | 'F16'>,
): Offset {
  if (data.byteLength !== sizeOf(shape, dtype)) throw wrongSize(file, name, { dtype, shape }, data.byteLength);
  builder.prep(8, data.byteLength);
  const bytes = builder.createByteVector(data);
  builder.startVector(8, shape.length, 8);
  for (const size of shape.toReversed()) builder.addInt64(BigInt(size));
  const sizes = builder.endVector();
  const label = builder.createString(name);
  builder.startObject(4);
  builder.addFieldOffset(0, label, 0);
  builder.addFieldOffset(1, sizes, 0);
  builder.addFieldInt32(2, codes[dtype], 0);
  builder.addFieldOffset(3, bytes, 0);
  return builder.endObject();
}
