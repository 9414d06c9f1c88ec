/**
 * Copies of the base's own embeddings in an adapter's file. PEFT adds them where an embedding is a target (save_embedding_layers
 * 'auto'), as `X.base_layer.weight`, and puts them into the model. They are frozen: only another base would need them.
 */
import * as tf from '@tensorflow/tfjs-core';
import { isFloat, toFloat32, type TensorFile } from '@loran/formats';
import type { Adapter } from '../adapter.js';
import type { AdapterSet } from '../adapter-set.js';
import { ShapeMismatchError } from '../errors/shape-mismatch.js';
import { prefix } from './adapter-keys.js';

const suffix = '.base_layer.weight';

/** The module whose weight the key holds; undefined for other keys. */
export function baseCopyOf(key: string, { layers }: Pick<Adapter, 'layers'>): string | undefined {
  const path = key.startsWith(prefix) && key.endsWith(suffix) ? key.slice(prefix.length, -suffix.length) : '';
  return layers.has(path) ? path : undefined;
}

/** A warning for each copy whose values are not the model's. Throws SHAPE_MISMATCH. */
export async function otherCopies(set: AdapterSet, adapter: Adapter, file: TensorFile): Promise<string[]> {
  const warnings: string[] = [];
  for (const key of file.tensors.keys()) {
    const path = baseCopyOf(key, adapter);
    if (path === undefined) continue;
    const { frozen } = set.model.modules().get(path)!;
    const { shape, data, dtype } = await file.read(key);
    if (!isFloat(dtype)) continue;
    const expected = [frozen.rows, frozen.columns];
    if (String(shape) !== String(expected)) throw new ShapeMismatchError(key, expected, shape);
    const largest = tf.tidy(() =>
      tf.max(tf.abs(tf.sub(frozen.weight(), tf.tensor(toFloat32(data, dtype), [...shape])))),
    );
    const [difference = Number.NaN] = await largest.data();
    largest.dispose();
    if (difference < 1e-2) continue; // what another float width, or a 4-bit base, may make of it
    warnings.push(
      `${file.name} holds the weight of '${path}' as it was in training; the model's differs by up to ${difference.toPrecision(2)}. The model's is kept, so results will differ.`,
    );
  }
  return warnings;
}
