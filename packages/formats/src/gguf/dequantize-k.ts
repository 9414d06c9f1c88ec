/**
 * ggml's super-blocks of 256 values as fp32 values: 8 or 16 groups, each with an integer scale s (and minimum m), which
 * share a scale d (and dmin) in F16.
 *
 *   Q3_K, Q6_K         x = d·s·q
 *   Q2_K, Q4_K, Q5_K   x = d·s·q − dmin·m
 *
 * d·s·q has at most 24 significant bits, so that it is exact in fp32 and the difference alone rounds.
 *
 * Source: the block layouts of ggml's k-quants.
 */

/** s and m 16 bytes (low and high half) for groups of 16; codes 64 bytes of four 2-bit codes, 32 values apart; d, dmin. */
export function dequantizeQ2K(blocks: Uint8Array, values: Float32Array, f16: Float32Array): void {
  for (let at = 0, to = 0; at < blocks.length; at += 84, to += 256) {
    const d = f16[blocks[at + 80]! | (blocks[at + 81]! << 8)]!;
    const dmin = f16[blocks[at + 82]! | (blocks[at + 83]! << 8)]!;
    for (let group = 0; group < 16; group++) {
      const packed = blocks[at + group]!;
      const scale = d * (packed & 15);
      const minimum = dmin * (packed >> 4);
      const codes = at + 16 + (group >> 3) * 32 + (group & 1) * 16;
      const shift = group & 6; // 2 bits for each of the four runs of 32 values
      const first = to + group * 16;
      for (let i = 0; i < 16; i++) values[first + i] = scale * ((blocks[codes + i]! >> shift) & 3) - minimum;
    }
  }
}

/** Third bits 32 bytes (value i: bit i/32 of byte i%32, 0 meaning −4); codes as in Q2_K; 16 scales of 6 bits in 12 bytes; d. */
export function dequantizeQ3K(blocks: Uint8Array, values: Float32Array, f16: Float32Array): void {
  for (let at = 0, to = 0; at < blocks.length; at += 110, to += 256) {
    const d = f16[blocks[at + 108]! | (blocks[at + 109]! << 8)]!;
    for (let group = 0; group < 16; group++) {
      const low = (blocks[at + 96 + (group & 7)]! >> ((group >> 3) * 4)) & 15;
      const high = (blocks[at + 104 + (group & 3)]! >> ((group >> 2) * 2)) & 3;
      const scale = d * ((low | (high << 4)) - 32);
      const lane = (group & 1) * 16;
      const codes = at + 32 + (group >> 3) * 32 + lane;
      const shift = group & 6;
      const bit = group >> 1;
      const first = to + group * 16;
      for (let i = 0; i < 16; i++) {
        const third = (blocks[at + lane + i]! >> bit) & 1;
        values[first + i] = scale * (((blocks[codes + i]! >> shift) & 3) - ((third ^ 1) << 2));
      }
    }
  }
}

/** d, dmin; 8 pairs (s, m) of 6 bits in 12 bytes; codes 128 bytes: of each 32, the low halves are one group, the high the next. */
export function dequantizeQ4K(blocks: Uint8Array, values: Float32Array, f16: Float32Array): void {
  for (let at = 0, to = 0; at < blocks.length; at += 144, to += 256) {
    const d = f16[blocks[at]! | (blocks[at + 1]! << 8)]!;
    const dmin = f16[blocks[at + 2]! | (blocks[at + 3]! << 8)]!;
    for (let group = 0; group < 8; group++) {
      const scale = d * groupScale(blocks, at + 4, group);
      const minimum = dmin * groupMinimum(blocks, at + 4, group);
      const codes = at + 16 + (group >> 1) * 32;
      const shift = (group & 1) * 4;
      const first = to + group * 32;
      for (let i = 0; i < 32; i++) values[first + i] = scale * ((blocks[codes + i]! >> shift) & 15) - minimum;
    }
  }
}

/** As Q4_K, with 32 bytes of fifth bits (value i: bit i/32 of byte i%32) before the codes. */
export function dequantizeQ5K(blocks: Uint8Array, values: Float32Array, f16: Float32Array): void {
  for (let at = 0, to = 0; at < blocks.length; at += 176, to += 256) {
    const d = f16[blocks[at]! | (blocks[at + 1]! << 8)]!;
    const dmin = f16[blocks[at + 2]! | (blocks[at + 3]! << 8)]!;
    for (let group = 0; group < 8; group++) {
      const scale = d * groupScale(blocks, at + 4, group);
      const minimum = dmin * groupMinimum(blocks, at + 4, group);
      const codes = at + 48 + (group >> 1) * 32;
      const shift = (group & 1) * 4;
      const first = to + group * 32;
      for (let i = 0; i < 32; i++) {
        const fifth = (blocks[at + 16 + i]! >> group) & 1;
        values[first + i] = scale * (((blocks[codes + i]! >> shift) & 15) | (fifth << 4)) - minimum;
      }
    }
  }
}

/**
 * Lower four bits 128 bytes: of each 64, the low halves are 64 values, the high the next; upper two bits 64 bytes as the codes
 * of Q2_K; 16 signed scales; d. Codes count from −32.
 */
export function dequantizeQ6K(blocks: Uint8Array, values: Float32Array, f16: Float32Array): void {
  for (let at = 0, to = 0; at < blocks.length; at += 210, to += 256) {
    const d = f16[blocks[at + 208]! | (blocks[at + 209]! << 8)]!;
    for (let group = 0; group < 16; group++) {
      const scale = d * ((blocks[at + 192 + group]! << 24) >> 24);
      const half = group >> 3;
      const lower = at + half * 64 + (group & 3) * 16;
      const lowerShift = group & 4;
      const upper = at + 128 + half * 32 + (group & 1) * 16;
      const upperShift = group & 6;
      const first = to + group * 16;
      for (let i = 0; i < 16; i++) {
        const low = (blocks[lower + i]! >> lowerShift) & 15;
        const high = (blocks[upper + i]! >> upperShift) & 3;
        values[first + i] = scale * ((low | (high << 4)) - 32);
      }
    }
  }
}

/** The 6-bit scale of a group: the first four whole, of the others two bits above the first and four at the end. */
function groupScale(blocks: Uint8Array, at: number, group: number): number {
  return group < 4 ? blocks[at + group]! & 63 : (blocks[at + 4 + group]! & 15) | ((blocks[at + group - 4]! >> 2) & 48);
}

/** The 6-bit minimum of a group, packed as the scales are, 4 bytes on. */
function groupMinimum(blocks: Uint8Array, at: number, group: number): number {
  return group < 4 ? blocks[at + 4 + group]! & 63 : (blocks[at + 4 + group]! >> 4) | ((blocks[at + group]! >> 2) & 48);
}
