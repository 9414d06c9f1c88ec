/**
 * The two moments of Adam in 8 bits, for several parameters together: blocks of 256 values with one scale each.
 *
 *   moment[block, i] = map[code[block, i]] · scale[block]         scale = max |moment| of the block
 *
 * A parameter begins a new block, its last one filled up with zeros, so that each is quantised as if it were alone. Together they
 * take one small graph instead of one for each.
 *
 * Source: Dettmers et al. 2022 (8-bit Optimizers via Block-wise Quantization, arXiv 2110.02861).
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D, Variable } from '@tensorflow/tfjs-core';
import { after, opaque, variable } from '@loran/tensor';
import { type CodeTables, nearestCode } from './nearest-code.js';

const blockSize = 256;

const blocksOf = (tensor: Pick<Tensor, 'size'>): number => Math.ceil(tensor.size / blockSize);

/** Tensors as rows of blocks, behind each other. // [blocks, 256] */
export function toBlocks(tensors: readonly Tensor[]): Tensor2D {
  const rows = tensors.map((tensor) => {
    const [flat, blocks] = [tf.reshape(tensor, [-1]), blocksOf(tensor)];
    const missing = blocks * blockSize - tensor.size;
    return tf.reshape(missing === 0 ? flat : tf.pad(flat, [[0, missing]]), [blocks, blockSize]) as Tensor2D;
  });
  return rows.length === 1 ? rows[0]! : tf.concat(rows, 0);
}

/** And back again, in the shapes of `like`. */
export function fromBlocks(rows: Tensor2D, like: readonly Tensor[]): Tensor[] {
  const parts = like.length === 1 ? [rows] : tf.split(rows, like.map(blocksOf), 0);
  return like.map(({ shape, size }, i) => {
    const flat = tf.reshape(parts[i]!, [-1]);
    return tf.reshape(flat.size === size ? flat : tf.slice(flat, [0], [size]), shape);
  });
}

/** One moment: codes and scales, zero at the start. */
export class BlockMoment {
  readonly #tables: CodeTables;
  readonly #codes: Variable; // [blocks, 256], a byte each
  readonly #scales: Variable; // [blocks, 1]

  constructor(parameters: readonly Tensor[], tables: CodeTables) {
    const blocks = parameters.reduce((sum, parameter) => sum + blocksOf(parameter), 0);
    this.#tables = tables;
    this.#codes = variable(opaque(new Uint8Array(blocks * blockSize), 'uint8', [blocks, blockSize]));
    this.#scales = variable(tf.zeros([blocks, 1]));
  }

  /** The values, not computed before `dependency` is. // [blocks, 256] */
  values(dependency: Tensor): Tensor2D {
    return tf.mul(tf.gather(this.#tables.map, after<Tensor>(this.#codes, dependency)), this.#scales);
  }

  assign(values: Tensor2D): void {
    const scales = tf.max(tf.abs(values), 1, true); // [blocks, 1]
    const scaled = tf.mul(values, tf.reciprocal(tf.maximum(scales, tf.scalar(1e-38)))); // a block of zeros stays zero
    this.#codes.assign(nearestCode(tf.clipByValue(scaled, -1, 1), this.#tables));
    this.#scales.assign(scales);
  }

  state(name: string): [string, Variable][] {
    return [
      [`${name}.codes`, this.#codes],
      [`${name}.scales`, this.#scales],
    ];
  }

  dispose(): void {
    tf.dispose([this.#codes, this.#scales]);
  }
}
