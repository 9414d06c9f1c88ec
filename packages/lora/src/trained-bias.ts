/**
 * The bias of a module, trained beside its update: PEFT's `bias`, of the target modules ('lora_only') or of all ('all').
 *
 *   y = … + (b − b₀)          b [out] starts at the frozen b₀
 *
 * Unlike PEFT's, which changes the model's own bias, this one belongs to its adapter: switched off, the base model is as it was.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Rank, Tensor, Tensor1D, Variable } from '@tensorflow/tfjs-core';
import type { Adaptable, AdapterLayer, Call } from '@loran/adapter';
import { variable } from '@loran/tensor';

export interface TrainedBias {
  readonly parameter: Variable<Rank.R1>;
  readonly change: () => Tensor1D;
  readonly added: (y: Tensor, scale: Call['scale']) => Tensor;
}

export function trainedBias(frozen: Tensor1D): TrainedBias {
  const parameter = variable(tf.clone(frozen)) as Variable<Rank.R1>;
  const change = () => tf.sub<Tensor1D>(parameter, frozen);
  return { parameter, change, added: (y, scale) => tf.add(y, tf.mul(change(), scale)) };
}

/** A trained bias on every linear module that has one and no layer yet: module path -> layer. */
export function biasesOf(model: Adaptable, taken: Pick<ReadonlySet<string>, 'has'>): ReadonlyMap<string, AdapterLayer> {
  const layers = new Map<string, AdapterLayer>();
  for (const [path, { frozen }] of model.modules()) {
    if (taken.has(path) || frozen.kind !== 'linear' || frozen.bias === null) continue;
    const { parameter, change, added } = trainedBias(frozen.bias);
    layers.set(path, {
      parameters: new Map([['bias', parameter]]),
      forward: (x, next, { scale }) => added(next(x), scale),
      delta: () => ({ bias: change() }),
      dispose: () => parameter.dispose(),
    });
  }
  return layers;
}
