/**
 * fp32 values as ggml's blocks of 32, in the types that models are written in. The bytes are those of the reference
 * quantisers: every operation is rounded to fp32, in their order.
 *
 *   Q8_0   d = max|x| / 127               q = x/d, halves away from zero
 *   Q4_0   d = x of largest |x| / −8      q = ⌊x/d + 8.5⌋, at most 15
 *
 * d is stored in F16; the codes are made with d in fp32. Layouts: see dequantize.ts.
 *
 * Source: ggml's reference quantisers, as in the gguf package.
 */
import { narrowF16 } from '../half-precision.js';
import { blockSizes } from '../tensor-bytes.js';

export type QuantizedType = 'Q8_0' | 'Q4_0';

/** Whole blocks of finite values; the number of values must be a multiple of 32. */
export function quantize(values: Float32Array, type: QuantizedType): Uint8Array {
  const blocks = new Uint8Array((values.length / blockSizes[type].values) * blockSizes[type].bytes);
  const scales = new Float32Array(values.length / blockSizes[type].values);
  if (type === 'Q8_0') quantizeQ80(values, scales, blocks);
  else quantizeQ40(values, scales, blocks);
  const halves = narrowF16(scales);
  for (let i = 0, at = 0; i < halves.length; i++, at += blockSizes[type].bytes) {
    blocks[at] = halves[i]! & 255;
    blocks[at + 1] = halves[i]! >> 8;
  }
  return blocks;
}

function quantizeQ80(values: Float32Array, scales: Float32Array, blocks: Uint8Array): void {
  for (let block = 0, from = 0, at = 2; block < scales.length; block++, from += 32, at += 34) {
    let largest = 0;
    for (let i = 0; i < 32; i++) largest = Math.max(largest, Math.abs(values[from + i]!));
    const d = Math.fround(largest / 127);
    const inverse = d === 0 ? 0 : Math.fround(1 / d);
    for (let i = 0; i < 32; i++) {
      const x = Math.fround(values[from + i]! * inverse);
      const rounded = Math.floor(Math.abs(x) + 0.5); // exact in fp64, so halves go away from zero
      blocks[at + i] = x < 0 ? -rounded : rounded;
    }
    scales[block] = d;
  }
}

function quantizeQ40(values: Float32Array, scales: Float32Array, blocks: Uint8Array): void {
  for (let block = 0, from = 0, at = 2; block < scales.length; block++, from += 32, at += 18) {
    let extreme = values[from]!;
    for (let i = 1; i < 32; i++) if (Math.abs(values[from + i]!) > Math.abs(extreme)) extreme = values[from + i]!;
    const d = Math.fround(extreme / -8);
    const inverse = d === 0 ? 0 : Math.fround(1 / d);
    for (let i = 0; i < 16; i++) {
      blocks[at + i] = codeQ40(values[from + i]!, inverse) | (codeQ40(values[from + 16 + i]!, inverse) << 4);
    }
    scales[block] = d;
  }
}

function codeQ40(x: number, inverse: number): number {
  return Math.min(15, Math.trunc(Math.fround(Math.fround(x * inverse) + 8.5)));
}
