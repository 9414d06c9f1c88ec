/**
 * The look-up tables that all NF4 weights of a process share: tensors made with the first weight and disposed with the
 * last, so that 3 KB are not held again for each layer.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { pairTable } from './codebook.js';
import { dynamicMap } from './dynamic-map.js';

export interface Tables {
  /** The two values of each packed byte. */
  readonly pairs: Tensor2D; // [256, 2]
  readonly dynamicMap: Tensor1D; // [256]
}

let shared: Tables | undefined;
let users = 0;

/** The tables; each call is answered by one `releaseTables`. */
export function acquireTables(): Tables {
  shared ??= {
    pairs: tf.keep(tf.tensor2d(pairTable(), [256, 2])),
    dynamicMap: tf.keep(tf.tensor1d(dynamicMap)),
  };
  users++;
  return shared;
}

export function releaseTables(): void {
  users--;
  if (users > 0) return;
  shared?.pairs.dispose();
  shared?.dynamicMap.dispose();
  shared = undefined;
}
