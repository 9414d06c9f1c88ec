/**
 * The look-up tables that all NF4 weights on one tfjs backend share: tensors made with the first weight and disposed with the
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

interface Shared {
  readonly tables: Tables;
  users: number;
}

const shared = new WeakMap<object, Shared>(); // by backend: one that was closed takes its tensors along

/** The tables of the current backend, and the function that gives them back. */
export function acquireTables(): { readonly tables: Tables; readonly release: () => void } {
  const backend = tf.backend();
  const held = shared.get(backend) ?? { tables: makeTables(), users: 0 };
  shared.set(backend, held);
  held.users++;
  return {
    tables: held.tables,
    release: () => {
      held.users--;
      if (held.users > 0) return;
      shared.delete(backend);
      tf.dispose([held.tables.pairs, held.tables.dynamicMap]);
    },
  };
}

function makeTables(): Tables {
  return { pairs: tf.keep(tf.tensor2d(pairTable(), [256, 2])), dynamicMap: tf.keep(tf.tensor1d(dynamicMap)) };
}
