/** Attention of a decoder's new tokens over themselves and over all that its cache holds. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import type { Pass } from '@loran/adapter';
import { dropoutAt } from '../layers/dropout-at.js';
import { groupedAttention } from '../layers/grouped-attention.js';
import type { Sequence } from './sequence.js';

export interface AttendOptions {
  /** Of the attention module, which names its dropout. */
  readonly path: string;
  /** Place of the layer in the cache. */
  readonly layer: number;
  /** Factor of the products. */
  readonly scale: number;
  readonly cap?: number | undefined;
  readonly dropout: number;
  /** Added to the scores; default what `sequence.mask()` says. */
  readonly mask?: Tensor4D | undefined; // [batch or 1, 1 or heads, time, columns]
}

/** q [batch, time, heads, width], k and v [batch, time, keyHeads, width] -> [batch·time, heads·width] */
export function attend(
  { q, k, v }: { readonly q: Tensor4D; readonly k: Tensor4D; readonly v: Tensor4D },
  sequence: Sequence,
  options: AttendOptions,
  pass: Pass,
): Tensor2D {
  return tf.tidy(() => {
    const { path, layer, scale, cap, dropout } = options;
    const { cache, start } = sequence;
    const keys = tf.transpose(k, [0, 2, 1, 3]); // [batch, keyHeads, time, width]
    const values = tf.transpose(v, [0, 2, 1, 3]);
    const all = cache === undefined ? { keys, values } : cache.append(layer, keys, values, start);
    return groupedAttention({
      q,
      k: all.keys,
      v: all.values,
      mask: 'mask' in options ? options.mask : sequence.mask(),
      scale,
      cap,
      drop: (weights) => dropoutAt(`${path}.dropout`, weights, dropout, pass),
    });
  });
}
