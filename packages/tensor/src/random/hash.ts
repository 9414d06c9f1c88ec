/**
 * Counter-based random bits: a short integer hash of (position, key), so that number i needs no number before it.
 *
 *   h = (i ^ k0) · 0x7feb352d        h ^= h >>> 15
 *   h = (h + k1) · 0x846ca68b        h ^= h >>> 16         all modulo 2³²
 *
 * Eight integer operations: any engine can run them in its graph, in parallel, and the stream has no state to save.
 * The multipliers are those of Wellons' "lowbias32" (nullprogram.com/blog/2018/07/31), chosen there for avalanche.
 * A uniform number keeps the upper 24 bits, all that fp32 can tell apart in [0, 1).
 */

/** Two 32-bit words that name a stream. */
export type Key = readonly [number, number];

export function hashBits(position: number, [k0, k1]: Key): number {
  let h = Math.imul(position ^ k0, 0x7feb352d);
  h ^= h >>> 15;
  h = Math.imul(h + k1, 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Uniform in [0, 1), a multiple of 2⁻²⁴. */
export function hashUniform(position: number, key: Key): number {
  return (hashBits(position, key) >>> 8) * 2 ** -24;
}

/** The key of a sub-stream. Two rounds a word, so that keys of neighbouring labels share nothing. */
export function deriveKey(key: Key, label: string | number): Key {
  const words =
    typeof label === 'number'
      ? [label | 0, Math.floor(label / 2 ** 32) | 0, 0x6e756d]
      : [...Buffer.from(label), 0x737472];
  let [a, b] = key;
  for (const word of words) {
    a = hashBits(word, [a, b]);
    b = hashBits(a, [b ^ 0x9e3779b9, word + 1]);
  }
  return [a | 0, b | 0];
}
