/**
 * The look-up tables that all weights of one 4-bit type on one tfjs backend share: tensors made with the first weight and disposed with the
 * last, so that 3 KB are not held again for each layer.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { dynamicMap } from './dynamic-map.js';
import type { FourBitType } from './four-bit-type.js';

export interface Tables {
  /** The two values of each packed byte. */
  readonly pairs: Tensor2D; // [256, 2]
  readonly dynamicMap: Tensor1D; // [256]
}

interface Shared {
  readonly tables: Tables;
  users: number;
}

const shared = new WeakMap<object, Map<FourBitType, Shared>>(); // by backend: one that was closed takes its tensors along

/** The tables on the current backend, and the function that gives them back. */
export function acquireTables(type: FourBitType): { readonly tables: Tables; readonly release: () => void } {
  const backend = tf.backend();
  const byType = shared.get(backend) ?? new Map<FourBitType, Shared>();
  const held = byType.get(type) ?? { tables: makeTables(type), users: 0 };
  shared.set(backend, byType.set(type, held));
  held.users++;
  return {
    tables: held.tables,
    release: () => {
      held.users--;
      if (held.users > 0) return;
      byType.delete(type);
      tf.dispose([held.tables.pairs, held.tables.dynamicMap]);
    },
  };
}

function makeTables(type: FourBitType): Tables {
  return { pairs: tf.keep(tf.tensor2d(type.pairTable(), [256, 2])), dynamicMap: tf.keep(tf.tensor1d(dynamicMap)) };
}
