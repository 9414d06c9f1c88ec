/** Tensors at known places of a source, read when they are asked for: what the readers of all single files share. */
import { constants } from 'node:buffer';
import type { ByteSource } from './byte-source.js';
import { isFloat, toFloat32 } from './float-values.js';
import { blockSizes, dtypeBytes, isBlockType, type StoredType } from './tensor-bytes.js';
import { TensorFileError } from './tensor-file-error.js';
import type { TensorFile, TensorInfo } from './tensor-file.js';
import { tensorNotFound } from './tensor-not-found.js';

export interface StoredTensor<Type extends StoredType> extends TensorInfo<Type> {
  /** First byte, counted from the start of the source. */
  readonly begin: number;
}

const runValues = 1 << 20; // 4 MiB of fp32: large enough to be fast, small beside any model; whole blocks of every type

/** The tensors must lie within the source. */
export function tensorReader<Type extends StoredType>(
  source: ByteSource,
  tensors: ReadonlyMap<string, StoredTensor<Type>>,
  metadata: ReadonlyMap<string, string>,
): TensorFile<Type> {
  const find = (name: string): StoredTensor<Type> => {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw tensorNotFound(source.name, name, tensors.keys());
    return tensor;
  };

  return {
    name: source.name,
    tensors,
    metadata,
    ...(source.reopen === undefined
      ? {}
      : { reopen: async () => tensorReader((await source.reopen?.()) ?? source, tensors, metadata) }),

    async read(name) {
      const { dtype, shape, byteLength, begin } = find(name);
      if (byteLength > constants.MAX_LENGTH) {
        throw new TensorFileError(
          'TENSOR_TOO_LARGE',
          source.name,
          `tensor ${JSON.stringify(name)} takes ${byteLength} bytes, more than one buffer of this Node holds (${constants.MAX_LENGTH}); read it in pieces with values().`,
        );
      }
      return { dtype, shape, data: await source.read(begin, byteLength) };
    },

    async *values(name) {
      const { dtype, byteLength, begin } = find(name);
      const type: StoredType = dtype;
      if (!isFloat(type) && !isBlockType(type)) {
        throw new TensorFileError(
          'TENSOR_NOT_FLOAT',
          source.name,
          `tensor ${JSON.stringify(name)} is ${type}; expected F32, F16, BF16, F64 or a quantised type. Use read() for its bytes.`,
        );
      }
      const step = isBlockType(type)
        ? (runValues / blockSizes[type].values) * blockSizes[type].bytes
        : runValues * dtypeBytes[type];
      for (let done = 0; done < byteLength; done += step) {
        yield toFloat32(await source.read(begin + done, Math.min(step, byteLength - done)), type);
      }
    },

    close: () => source.close(),
  };
}
