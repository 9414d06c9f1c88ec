/**
 * Rotary position embedding (Su et al. 2021, arXiv 2104.09864), in the halves layout of Hugging Face checkpoints.
 *
 *   [x₁, x₂] -> [x₁·cos θ − x₂·sin θ, x₂·cos θ + x₁·sin θ]      θ = position · inverse frequency
 *
 * The first 2·n features of a head are turned, n inverse frequencies being given; the rest stay as they are.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import type { RotaryFrequencies } from './frequencies.js';

export interface Rotation {
  readonly cos: Tensor4D; // [batch or 1, time, 1, n]
  readonly sin: Tensor4D;
}

/** positions [batch or 1, time] int32 */
export function rotation(positions: Tensor2D, { inverse, scale }: RotaryFrequencies): Rotation {
  const [batch, time] = positions.shape;
  const angles = tf.tidy(() =>
    tf.mul(tf.reshape(tf.cast(positions, 'float32'), [batch, time, 1, 1]), tf.tensor1d(inverse)),
  ) as Tensor4D; // [batch, time, 1, n]
  const scaled = (wave: Tensor4D): Tensor4D => (scale === 1 ? wave : tf.mul(wave, scale));
  return { cos: scaled(tf.cos(angles)), sin: scaled(tf.sin(angles)) };
}

/** x [batch, time, heads, width] */
export function rotate(x: Tensor4D, { cos, sin }: Rotation): Tensor4D {
  return tf.tidy(() => {
    const width = x.shape[3];
    const half = cos.shape[3];
    const parts = tf.split(x, width === 2 * half ? [half, half] : [half, half, width - 2 * half], 3);
    const [first, second, rest] = parts as [Tensor4D, Tensor4D, Tensor4D?];
    const turned = [
      tf.sub<Tensor4D>(tf.mul(first, cos), tf.mul(second, sin)),
      tf.add<Tensor4D>(tf.mul(second, cos), tf.mul(first, sin)),
    ];
    return tf.concat(rest === undefined ? turned : [...turned, rest], 3);
  });
}
