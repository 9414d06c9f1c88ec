/**
 * An output head that is the embedding's own weight: one tensor in memory, used both ways.
 *
 *   embedding  rows of W at the ids        head  x Wᵀ        W [vocabulary, width]
 */
import * as tf from '@tensorflow/tfjs-core';
import type { FrozenWeight } from '@loran/adapter';
import { linear } from '@loran/tensor';

/** The embedding as a linear layer; disposing it leaves the embedding whole. Its values cost no memory of their own. */
export function tiedHead(embedding: FrozenWeight): FrozenWeight {
  const { storage, rows, columns } = embedding;
  return {
    kind: 'linear',
    storage,
    rows,
    columns,
    bias: null,
    byteLength: 0,
    apply: (x, delta) =>
      tf.tidy(() => {
        const weight = embedding.weight();
        return linear(x, delta === undefined ? weight : tf.add(weight, delta));
      }),
    weight: (dependency) => embedding.weight(dependency),
    with: async (weight, bias) => headWith(await embedding.with(weight), bias ?? null),
    parts: () => embedding.parts(),
    dispose: () => {},
  };
}

/** Other values under the head's name: no longer the embedding's, so they are its own to dispose. */
function headWith(values: FrozenWeight, bias: tf.Tensor1D | null): FrozenWeight {
  return {
    ...tiedHead(values),
    bias,
    byteLength: values.byteLength + (bias === null ? 0 : 4 * bias.size),
    apply: (x, delta) =>
      tf.tidy(() => {
        const weight = values.weight();
        return linear(x, delta === undefined ? weight : tf.add(weight, delta), bias);
      }),
    dispose: () => {
      values.dispose();
      bias?.dispose();
    },
  };
}
