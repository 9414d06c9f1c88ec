import * as tf from '@tensorflow/tfjs-core';
import { KeyValueCache } from '../decoder/key-value-cache.js';
import type { KeysValues } from './t5-attention.js';

/** A cache that also keeps, by layer, keys and values of the encoded texts: they are the same for every written token. */
export class CrossCache extends KeyValueCache {
  readonly #cross = new Map<number, KeysValues>();

  /** Those of a layer, made by the first that asks. */
  cross(layer: number, make: () => KeysValues): KeysValues {
    const known = this.#cross.get(layer);
    if (known !== undefined) return known;
    const made = make();
    this.#cross.set(layer, { keys: tf.keep(made.keys), values: tf.keep(made.values) });
    return made;
  }

  override get byteLength(): number {
    const sizes = [...this.#cross.values()].map(({ keys, values }) => 4 * (keys.size + values.size));
    return sizes.reduce((sum, size) => sum + size, super.byteLength);
  }

  override dispose(): void {
    for (const { keys, values } of this.#cross.values()) tf.dispose([keys, values]);
    this.#cross.clear();
    super.dispose();
  }
}
