export { fileSource, type ByteSource } from './byte-source.js';
export { fromFloat32, isFloat, toFloat32, type FloatDtype } from './float-values.js';
export { writeFileAtomic } from './replace-file.js';
export { openSafetensors } from './safetensors/open-safetensors.js';
export { openSafetensorsFolder } from './safetensors/open-safetensors-folder.js';
export { writeSafetensors } from './safetensors/write-safetensors.js';
export { dtypeBytes, type Dtype, type TensorBytes, type TensorChunks } from './tensor-bytes.js';
export { TensorFileError, type TensorFileErrorCode } from './tensor-file-error.js';
export type { TensorFile, TensorInfo } from './tensor-file.js';
