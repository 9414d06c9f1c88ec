/**
 * Tensors that all layers of an adapter share, such as VeRA's random matrices: they stand in the file once, under keys of their
 * own (AdapterFormat.shared), and are read before the adapter is made, which builds on them.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { isFloat, toFloat32, type TensorFile } from '@loran/formats';
import { LoranError } from '@loran/plugin';
import type { Adapter } from '../adapter.js';
import type { AdapterFormat } from '../contract/adapter-method.js';

type Format = Pick<AdapterFormat<unknown>, 'shared'>;

/** Key in the file -> tensor. */
export function sharedTensors({ shared }: Pick<Adapter, 'shared'>, format: Format): ReadonlyMap<string, Tensor> {
  const keys = [...(format.shared ?? [])];
  return new Map(keys.flatMap(([name, key]) => (shared.has(name) ? [[key, shared.get(name)!] as const] : [])));
}

/** Name -> tensor, for AdapterOptions.shared. Throws ADAPTER_KEYS, DTYPE_MISMATCH, and what the file's reader throws. */
export async function readSharedTensors(file: TensorFile, format: Format): Promise<Map<string, Tensor>> {
  const tensors = new Map<string, Tensor>();
  try {
    for (const [name, key] of format.shared ?? []) tensors.set(name, await read(file, key));
  } catch (error) {
    tf.dispose([...tensors.values()]);
    throw error;
  }
  return tensors;
}

async function read(file: TensorFile, key: string): Promise<Tensor> {
  if (!file.tensors.has(key)) {
    throw new LoranError(
      'ADAPTER_KEYS',
      `${file.name} has no '${key}', which all layers of this adapter share. Save it again with that tensor, or merge it where it was trained.`,
    );
  }
  const { dtype, shape, data } = await file.read(key);
  if (!isFloat(dtype))
    throw new LoranError('DTYPE_MISMATCH', `${file.name}: '${key}' is ${dtype}; adapters are floats.`);
  return tf.tensor(toFloat32(data, dtype), [...shape]);
}
