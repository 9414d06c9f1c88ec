/**
 * A module that an adapter trains whole, on a copy of its own: `modulesToSave`, the classifier of a new task above all.
 *
 * It is an adapter layer like any other, but one that ignores the frozen weight; so several adapters can each have their
 * own head, and switching adapters switches heads.
 *
 * A head that is an embedding's own weight can go on being it: its layer then computes with the embedding's copy.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D, Tensor2D, Variable } from '@tensorflow/tfjs-core';
import { linear, variable } from '@loran/tensor';
import type { AdapterLayer } from './contract/adapter-method.js';
import type { FrozenWeight } from './contract/frozen-weight.js';
import type { Slot } from './slot.js';

export interface SavedModuleOptions {
  /** A Conv1D layer, whose weight is [columns, rows], as its class saves it; default false. */
  readonly conv1d?: boolean | undefined;
  /** Computes with the weight of this saved module instead of a copy of its own. */
  readonly tiedTo?: AdapterLayer | undefined;
}

/** A trainable copy of a frozen weight and its bias; parameters 'weight' [rows, columns] and 'bias' [rows]. */
export function savedModule(frozen: FrozenWeight, { conv1d = false, tiedTo }: SavedModuleOptions = {}): AdapterLayer {
  const turned = (x: Tensor2D): Tensor2D => (conv1d ? tf.transpose(x) : x);
  const shared = tiedTo?.parameters.get('weight');
  const weight = (shared ?? variable(tf.tidy(() => turned(frozen.weight())))) as Variable & Tensor2D;
  const bias = frozen.bias === null ? null : (variable(tf.clone(frozen.bias)) as Variable & Tensor1D);
  return {
    parameters: new Map<string, Variable>([
      ...(shared === undefined ? [['weight', weight] as const] : []),
      ...(bias === null ? [] : [['bias', bias] as const]),
    ]),
    ...(shared === undefined ? {} : { buffers: new Map([['weight', shared]]) }), // trained once, written under both names
    forward: (x) =>
      frozen.kind === 'linear' ? linear(x, turned(weight), bias) : tf.gather(weight, tf.cast(x, 'int32')),
    delta: () =>
      tf.tidy(() => ({
        weight: tf.sub<Tensor2D>(turned(weight), frozen.weight()),
        ...(bias === null || frozen.bias === null ? {} : { bias: tf.sub<Tensor1D>(bias, frozen.bias) }),
      })),
    replacement: () => turned(weight),
    dispose: () => {
      if (shared === undefined) weight.dispose();
      bias?.dispose();
    },
  };
}

/** Whether the active adapters leave a tied head the weight of its embedding: each trains both as one, or neither. */
export function staysTied(head: Slot, embedding: Slot): boolean {
  const [ofHead, ofEmbedding] = [head.active(), embedding.active()];
  const isOne = (name: string, { buffers, tiedTo }: AdapterLayer): boolean => {
    if (tiedTo !== undefined) return tiedTo === ofEmbedding.get(name);
    const weight = buffers?.get('weight');
    return weight !== undefined && weight === ofEmbedding.get(name)?.parameters.get('weight');
  };
  return ofHead.size === ofEmbedding.size && [...ofHead].every(([name, layer]) => isOne(name, layer));
}
