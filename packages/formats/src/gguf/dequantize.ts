/**
 * ggml's blocks as fp32 values. A block of 32 values x holds a scale d (and a minimum m) in F16, and a code q for each value:
 *
 *   Q4_0, Q5_0, Q8_0   x = d·q        q from −8, −16, −128 on
 *   Q4_1, Q5_1         x = d·q + m    q from 0 on
 *
 * The blocks of 256 (Q2_K to Q6_K) are in dequantize-k.ts. Every value equals that of ggml in fp32, bit for bit: the products
 * fit into fp32 exactly, so that only the last operation rounds.
 *
 * Source: the block layouts of ggml's quants.
 */
import { f16Values } from '../half-precision.js';
import { blockSizes, type BlockType } from '../tensor-bytes.js';
import { dequantizeQ2K, dequantizeQ3K, dequantizeQ4K, dequantizeQ5K, dequantizeQ6K } from './dequantize-k.js';

/** Fills `values` from whole blocks. `f16`: the value of every F16 pattern. */
export type Dequantize = (blocks: Uint8Array, values: Float32Array, f16: Float32Array) => void;

const dequantizers: Readonly<Record<BlockType, Dequantize>> = {
  Q4_0: dequantizeQ40,
  Q4_1: dequantizeQ41,
  Q5_0: dequantizeQ50,
  Q5_1: dequantizeQ51,
  Q8_0: dequantizeQ80,
  Q2_K: dequantizeQ2K,
  Q3_K: dequantizeQ3K,
  Q4_K: dequantizeQ4K,
  Q5_K: dequantizeQ5K,
  Q6_K: dequantizeQ6K,
};

/** The fp32 values of whole blocks. */
export function dequantize(blocks: Uint8Array, type: BlockType): Float32Array {
  const size = blockSizes[type];
  const values = new Float32Array((blocks.length / size.bytes) * size.values);
  dequantizers[type](blocks, values, f16Values());
  return values;
}

/** d 2 bytes; 16 bytes with code i in the low half, code i + 16 in the high half. */
function dequantizeQ40(blocks: Uint8Array, values: Float32Array, f16: Float32Array): void {
  for (let at = 0, to = 0; at < blocks.length; at += 18, to += 32) {
    const d = f16[blocks[at]! | (blocks[at + 1]! << 8)]!;
    for (let i = 0; i < 16; i++) {
      const pair = blocks[at + 2 + i]!;
      values[to + i] = d * ((pair & 15) - 8);
      values[to + 16 + i] = d * ((pair >> 4) - 8);
    }
  }
}

/** d 2 bytes, m 2 bytes; codes as in Q4_0. */
function dequantizeQ41(blocks: Uint8Array, values: Float32Array, f16: Float32Array): void {
  for (let at = 0, to = 0; at < blocks.length; at += 20, to += 32) {
    const d = f16[blocks[at]! | (blocks[at + 1]! << 8)]!;
    const m = f16[blocks[at + 2]! | (blocks[at + 3]! << 8)]!;
    for (let i = 0; i < 16; i++) {
      const pair = blocks[at + 4 + i]!;
      values[to + i] = d * (pair & 15) + m;
      values[to + 16 + i] = d * (pair >> 4) + m;
    }
  }
}

/** d 2 bytes; 4 bytes with the fifth bit of code i in bit i; the lower four as in Q4_0. */
function dequantizeQ50(blocks: Uint8Array, values: Float32Array, f16: Float32Array): void {
  for (let at = 0, to = 0; at < blocks.length; at += 22, to += 32) {
    const d = f16[blocks[at]! | (blocks[at + 1]! << 8)]!;
    const fifth = fifthBits(blocks, at + 2);
    for (let i = 0; i < 16; i++) {
      const pair = blocks[at + 6 + i]!;
      values[to + i] = d * (((pair & 15) | (((fifth >> i) & 1) << 4)) - 16);
      values[to + 16 + i] = d * (((pair >> 4) | (((fifth >> (i + 16)) & 1) << 4)) - 16);
    }
  }
}

/** d 2 bytes, m 2 bytes; codes as in Q5_0. */
function dequantizeQ51(blocks: Uint8Array, values: Float32Array, f16: Float32Array): void {
  for (let at = 0, to = 0; at < blocks.length; at += 24, to += 32) {
    const d = f16[blocks[at]! | (blocks[at + 1]! << 8)]!;
    const m = f16[blocks[at + 2]! | (blocks[at + 3]! << 8)]!;
    const fifth = fifthBits(blocks, at + 4);
    for (let i = 0; i < 16; i++) {
      const pair = blocks[at + 8 + i]!;
      values[to + i] = d * ((pair & 15) | (((fifth >> i) & 1) << 4)) + m;
      values[to + 16 + i] = d * ((pair >> 4) | (((fifth >> (i + 16)) & 1) << 4)) + m;
    }
  }
}

/** d 2 bytes; 32 signed bytes. */
function dequantizeQ80(blocks: Uint8Array, values: Float32Array, f16: Float32Array): void {
  for (let at = 0, to = 0; at < blocks.length; at += 34, to += 32) {
    const d = f16[blocks[at]! | (blocks[at + 1]! << 8)]!;
    for (let i = 0; i < 32; i++) values[to + i] = d * ((blocks[at + 2 + i]! << 24) >> 24);
  }
}

function fifthBits(blocks: Uint8Array, at: number): number {
  return blocks[at]! | (blocks[at + 1]! << 8) | (blocks[at + 2]! << 16) | (blocks[at + 3]! << 24);
}
