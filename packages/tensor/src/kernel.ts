import * as tf from '@tensorflow/tfjs-core';
import type { KernelConfig, NamedAttrMap, Tensor } from '@tensorflow/tfjs-core';

type Inputs = Readonly<Record<string, Tensor>>;
type Attributes = Readonly<Record<string, number | boolean | string | readonly number[]>>;

/** Kernels that an engine may have beyond tfjs's own. Each has a portable definition that runs where it is absent. */
export type FastKernel = 'LoranAfter' | 'LoranInt8Product' | 'LoranRandomUniform';

/** The result of a fast kernel, or undefined where the current backend has none of that name. */
export function fastKernel<T extends Tensor>(
  name: FastKernel,
  inputs: Inputs,
  attributes: Attributes = {},
): T | undefined {
  const kernel = tf.getKernel(name, tf.getBackend()) as KernelConfig | undefined;
  if (kernel === undefined) return undefined;
  return tf.engine().runKernel(name, { ...inputs }, attributes as NamedAttrMap) as T;
}
