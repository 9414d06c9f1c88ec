/**
 * Block-wise quantisation to 4 bits, while the values stream by.
 *
 *   absmax[b] = max |w| over block b              code[i] = nearest(w[i] / absmax[b])
 *   byte[j]   = code[2j] << 4 | code[2j + 1]
 *
 *   w      [rows, columns] flattened row-major, cut into blocks of `blockSize` values that cross rows
 *   absmax [blocks], fp32; the last block may be short
 *
 * Equal to bitsandbytes' CPU path byte for byte, with its rounding: a whole block is multiplied by the reciprocal of its
 * absmax and an all-zero one keeps absmax 0; a short last block is divided, and keeps at least 1e-38.
 */
import { ShapeMismatchError, type WeightSource } from '@loran/adapter';
import { LoranError } from '@loran/plugin';
import type { FourBitType } from './four-bit-type.js';

const smallestAbsmax = Math.fround(1e-38);

export interface BlockQuantised {
  /** Two codes a byte, filled up to whole blocks with the code of 0. */
  readonly codes: Uint8Array; // [blocks * blockSize / 2]
  readonly absmax: Float32Array; // [blocks]
}

/** Quantises a source. Throws SHAPE_MISMATCH when it yields more or fewer values than announced, WEIGHT_NOT_FINITE. */
export async function quantise(type: FourBitType, source: WeightSource, blockSize: number): Promise<BlockQuantised> {
  const count = source.rows * source.columns;
  const absmax = new Float32Array(Math.ceil(count / blockSize));
  const codes = new Uint8Array((absmax.length * blockSize) / 2).fill((type.zeroCode << 4) | type.zeroCode);
  const block = new Float32Array(blockSize); // the only values held: a run may end inside a block
  let offered = 0;
  let seen = 0;
  for await (const run of source.values()) {
    offered += run.length;
    for (let start = 0; start < run.length && seen < count;) {
      const filled = seen % blockSize;
      const taken = Math.min(blockSize - filled, run.length - start, count - seen);
      block.set(run.subarray(start, start + taken), filled);
      start += taken;
      seen += taken;
      if (filled + taken < blockSize && seen < count) continue;
      const index = Math.ceil(seen / blockSize) - 1;
      const values = block.subarray(0, filled + taken);
      const largest = largestMagnitude(values, source, index * blockSize);
      absmax[index] = scale(values, largest, blockSize);
      pack(type, values, codes.subarray((index * blockSize) / 2));
    }
  }
  if (offered !== count) throw new ShapeMismatchError(source.path, [source.rows, source.columns], [offered]);
  return { codes, absmax };
}

/** Brings a block into [-1, 1], in place (a Float32Array rounds what it stores); returns the absmax to keep. */
function scale(block: Float32Array, largest: number, blockSize: number): number {
  const divisor = Math.max(largest, smallestAbsmax);
  if (block.length < blockSize) {
    for (let i = 0; i < block.length; i++) block[i] = block[i]! / divisor;
    return divisor;
  }
  const reciprocal = Math.fround(1 / divisor);
  for (let i = 0; i < block.length; i++) block[i] = block[i]! * reciprocal;
  return largest;
}

function pack({ nearestCode, zeroCode }: FourBitType, block: Float32Array, bytes: Uint8Array): void {
  for (let i = 0; i < block.length; i += 2) {
    const low = i + 1 < block.length ? nearestCode(block[i + 1]!) : zeroCode;
    bytes[i >> 1] = (nearestCode(block[i]!) << 4) | low;
  }
}

function largestMagnitude(block: Float32Array, source: WeightSource, first: number): number {
  let largest = 0;
  for (let i = 0; i < block.length; i++) {
    const magnitude = Math.abs(block[i]!);
    if (!(magnitude < Infinity)) throw notFinite(source, first + i, block[i]!);
    if (magnitude > largest) largest = magnitude;
  }
  return largest;
}

function notFinite({ path, columns }: WeightSource, index: number, value: number): LoranError {
  return new LoranError(
    'WEIGHT_NOT_FINITE',
    `The weight of '${path}' holds ${value} at row ${Math.floor(index / columns)}, column ${index % columns}. ` +
      'A block with such a value cannot be quantised; repair the model, or keep this weight in fp32.',
  );
}
