/** Between tensors and the named byte parts that a checkpoint keeps. */
import type { Tensor } from '@tensorflow/tfjs-core';
import { fromFloat32, isFloat, type TensorBytes, toFloat32 } from '@loran/formats';
import { LoranError } from '@loran/plugin';

/** The values of an fp32 tensor as F32 bytes. */
export async function bytesOf(tensor: Tensor): Promise<TensorBytes> {
  const values = await tensor.data<'float32'>();
  return { dtype: 'F32', shape: tensor.shape, data: fromFloat32(Float32Array.from(values), 'F32') };
}

/** Float bytes of any width as fp32 values. Throws DTYPE_MISMATCH for integers. */
export function floatsOf({ dtype, data }: TensorBytes): Float32Array {
  if (!isFloat(dtype)) throw new LoranError('DTYPE_MISMATCH', `Expected a part of floats; its dtype is ${dtype}.`);
  return toFloat32(data, dtype);
}

/** The part of that name; throws PART_MISSING. */
export function part(parts: ReadonlyMap<string, TensorBytes>, name: string): TensorBytes {
  const found = parts.get(name);
  if (found === undefined) {
    throw new LoranError(
      'PART_MISSING',
      `The checkpoint has no part '${name}'; it has ${[...parts.keys()].join(', ') || 'none'}.`,
    );
  }
  return found;
}
