/** The weight of a module before its storage rounded it, as `prepare` asks for it; see LayerRequest.original. */
import * as tf from '@tensorflow/tfjs-core';
import type { Adaptable } from './contract/adaptable.js';
import type { LayerRequest } from './contract/adapter-method.js';
import type { FrozenWeight } from './contract/frozen-weight.js';
import { collect } from './storage/collect.js';

/** `{}` where the model has no such values. Reading throws what its files do, and SHAPE_MISMATCH. */
export function originalOf(
  model: Adaptable,
  path: string,
  { kind, rows, columns }: FrozenWeight,
): Pick<LayerRequest, 'original'> {
  const runs = model.original?.(path);
  if (runs === undefined) return {};
  return {
    async original() {
      const values = await collect({
        kind,
        path,
        rows,
        columns,
        values: () => model.original?.(path) ?? runs,
        bias: null,
      });
      return tf.tensor2d(values, [rows, columns]);
    },
  };
}
