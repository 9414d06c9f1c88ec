/** Between tensors and the named byte parts that a checkpoint keeps. */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { TensorBytes } from '@loran/formats';
import { LoranError } from '@loran/plugin';

/** The values of an fp32 tensor as F32 bytes. */
export async function bytesOf(tensor: Tensor): Promise<TensorBytes> {
  const values = await tensor.data<'float32'>();
  return { dtype: 'F32', shape: tensor.shape, data: new Uint8Array(Float32Array.from(values).buffer) };
}

/** F32 bytes as values. */
export function floatsOf({ dtype, data }: TensorBytes): Float32Array {
  if (dtype !== 'F32') throw new LoranError('DTYPE_MISMATCH', `Expected a part of dtype F32; it is ${dtype}.`);
  return new Float32Array(data.slice().buffer);
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
