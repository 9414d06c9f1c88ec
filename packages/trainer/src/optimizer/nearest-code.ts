/**
 * The nearest code of an ascending 8-bit map, inside the graph, without comparing a value with all 256.
 *
 *   cell = round((sign(x)·|x|^¼ + 1) · 4096)        x in [-1, 1]
 *   code = lower[cell] + (x > boundary[cell])
 *
 * The fourth root spreads the decades of a dynamic map so that a cell holds one boundary between codes at most. Halfway between two
 * codes is the lower one, as bitsandbytes has it.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import { opaque } from '@loran/tensor';

const half = 4096;
const { fround } = Math;

export interface CodeTables {
  /** Value of each code. // [256] */
  readonly map: Tensor1D;
  /** The code below the boundary nearest to each cell. // [8193] */
  readonly lower: Tensor1D;
  readonly boundary: Tensor1D; // [8193]
  /** Each code itself: what is gathered from it is stored in a byte. // [256] */
  readonly bytes: Tensor;
}

export function codeTables(map: Float32Array): CodeTables {
  const boundaries = Array.from(map.subarray(1), (value, i) => fround(fround(map[i]! + value) / 2)); // [255]
  const lower = nearestBoundaries(boundaries);
  return {
    map: tf.tensor1d(map),
    lower: tf.tensor1d(lower, 'int32'),
    boundary: tf.tensor1d(Float32Array.from(lower, (code) => boundaries[code]!)),
    bytes: opaque(
      Uint8Array.from({ length: 256 }, (_, code) => code),
      'uint8',
      [256],
    ),
  };
}

/** Codes of values in [-1, 1], in one byte each where the engine can. */
export function nearestCode<T extends Tensor>(x: T, { lower, boundary, bytes }: CodeTables): T {
  return tf.tidy(() => {
    const root = tf.mul(tf.sign(x), tf.sqrt(tf.sqrt(tf.abs(x))));
    const cell = tf.cast(tf.round(tf.mul(tf.add(root, 1), half)), 'int32');
    const above = tf.cast(tf.greater(x, tf.gather(boundary, cell)), 'int32');
    return tf.gather(bytes, tf.add(tf.gather(lower, cell), above)) as T;
  });
}

/** For each cell the index of the boundary nearest to its middle; both ascend. // [8193] */
function nearestBoundaries(boundaries: readonly number[]): Int32Array {
  const places = boundaries.map((boundary) => (Math.sign(boundary) * Math.abs(boundary) ** 0.25 + 1) * half);
  let index = 0;
  return Int32Array.from({ length: 2 * half + 1 }, (_, cell) => {
    while (index + 1 < places.length && Math.abs(places[index + 1]! - cell) < Math.abs(places[index]! - cell)) index++;
    return index;
  });
}
