/**
 * A module that an adapter trains whole, on a copy of its own: `modulesToSave`, the classifier of a new task above all.
 *
 * It is an adapter layer like any other, but one that ignores the frozen weight; so several adapters can each have their
 * own head, and switching adapters switches heads.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D, Tensor2D, Variable } from '@tensorflow/tfjs-core';
import { linear, variable } from '@loran/tensor';
import type { AdapterLayer } from './contract/adapter-method.js';
import type { FrozenWeight } from './contract/frozen-weight.js';

/**
 * A trainable copy of a frozen weight and its bias; parameters 'weight' [rows, columns] and 'bias' [rows]. That of a Conv1D
 * layer is [columns, rows], as its class saves it.
 */
export function savedModule(frozen: FrozenWeight, conv1d = false): AdapterLayer {
  const turned = (x: Tensor2D): Tensor2D => (conv1d ? tf.transpose(x) : x);
  const weight = variable(tf.tidy(() => turned(frozen.weight()))) as Variable & Tensor2D;
  const bias = frozen.bias === null ? null : (variable(tf.clone(frozen.bias)) as Variable & Tensor1D);
  return {
    parameters: new Map<string, Variable>([['weight', weight], ...(bias === null ? [] : [['bias', bias] as const])]),
    forward: (x) =>
      frozen.kind === 'linear' ? linear(x, turned(weight), bias) : tf.gather(weight, tf.cast(x, 'int32')),
    delta: () =>
      tf.tidy(() => ({
        weight: tf.sub<Tensor2D>(turned(weight), frozen.weight()),
        ...(bias === null || frozen.bias === null ? {} : { bias: tf.sub<Tensor1D>(bias, frozen.bias) }),
      })),
    dispose: () => {
      weight.dispose();
      bias?.dispose();
    },
  };
}
