/**
 * Attention with linear biases (Press et al. 2022, arXiv 2108.12409): each head adds slope·position of the key to its scores.
 *
 *   slopes of n heads      2^(−8h/n), h = 1 … n; n no power of two: those of the power below, then every second of the power above
 *
 * Slopes and products are rounded to bf16, as the checkpoints were trained with and transformers computes.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';

/** slope·position of positions 0 … length − 1. -> [length, heads], row by row */
export function alibiTable(heads: number, length: number): Float32Array {
  const slopes = alibiSlopes(heads).map(toBfloat16);
  return Float32Array.from({ length: length * heads }, (_, i) => {
    const position = toBfloat16(Math.floor(i / heads));
    return toBfloat16(position * slopes[i % heads]!);
  });
}

/** keyPositions [batch, columns] int32, each below the number of columns and the table's rows -> [batch, heads, 1, columns] */
export function alibiBias(keyPositions: Tensor2D, table: Float32Array, heads: number): Tensor4D {
  return tf.tidy(() => {
    const [batch, columns] = keyPositions.shape;
    const used = tf.tensor2d(table.subarray(0, columns * heads), [Math.min(columns, table.length / heads), heads]);
    const rows = tf.gather(used, keyPositions); // [batch, columns, heads]
    return tf.reshape(tf.transpose(rows, [0, 2, 1]), [batch, heads, 1, columns]);
  });
}

function alibiSlopes(heads: number): number[] {
  const below = 2 ** Math.floor(Math.log2(heads));
  const powers = (base: number, exponents: number[]) => exponents.map((exponent) => base ** exponent);
  const counted = (count: number, step: number) => Array.from({ length: count }, (_, i) => 1 + step * i);
  return [
    ...powers(2 ** (-8 / below), counted(below, 1)),
    ...powers(2 ** (-8 / (2 * below)), counted(heads - below, 2)),
  ];
}

/** The nearest bf16 number, ties to even. */
function toBfloat16(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer);
  const rounded = bits[0]! + 0x7fff + ((bits[0]! >>> 16) & 1);
  return new Float32Array(Uint32Array.of((rounded & 0xffff0000) >>> 0).buffer)[0]!;
}
