export { fileSource, type ByteSource } from './byte-source.js';
export type { TensorValues } from './encode-values.js';
export { fromFloat32, isFloat, toFloat32, type FloatDtype } from './float-values.js';
export { openGguf, type GgufFile } from './gguf/open-gguf.js';
export type { GgufType } from './gguf/gguf-type.js';
export type { GgufValue } from './gguf/gguf-value.js';
export { writeGguf, type GgufContents, type GgufTensor } from './gguf/write-gguf.js';
export { openLlama2c, type Llama2cFile, type Llama2cHeader } from './llama2c/open-llama2c.js';
export { readLlama2cTokenizer, type Llama2cTokenizer } from './llama2c/read-llama2c-tokenizer.js';
export {
  onnxTypes,
  writeOnnxNode,
  writeOnnxValueInfo,
  type OnnxAttributes,
  type OnnxTensorType,
} from './onnx/messages.js';
export { OnnxGraph } from './onnx/onnx-graph.js';
export { ProtobufWriter } from './onnx/protobuf-writer.js';
export { writeOnnx, type WriteOnnxOptions } from './onnx/write-onnx.js';
export { writeOnnxAdapter } from './onnx/write-onnx-adapter.js';
export { hasFileOrParts } from './joined-source.js';
export { writeFileAtomic } from './replace-file.js';
export { openSafetensors } from './safetensors/open-safetensors.js';
export { openSafetensorsFolder } from './safetensors/open-safetensors-folder.js';
export { writeSafetensors } from './safetensors/write-safetensors.js';
export { writeSafetensorsFolder } from './safetensors/write-safetensors-folder.js';
export {
  dtypeBytes,
  isBlockType,
  type BlockType,
  type Dtype,
  type StoredType,
  type TensorBytes,
  type TensorChunks,
} from './tensor-bytes.js';
export { TensorFileError, type TensorFileErrorCode } from './tensor-file-error.js';
export { openTorch } from './torch/open-torch.js';
export { transposedValues } from './transposed-values.js';
export type { TensorFile, TensorInfo } from './tensor-file.js';
