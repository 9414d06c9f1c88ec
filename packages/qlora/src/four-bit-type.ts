/**
 * A set of sixteen values that four bits stand for, and how a number becomes the nearest of them.
 *
 *   code(v) = the nearest of the 16 values; a v exactly between two takes the lower one, as in bitsandbytes
 */

export interface FourBitType {
  /** As bitsandbytes writes it: 'nf4', 'fp4'. */
  readonly name: string;
  /** By code. // [16] */
  readonly codebook: Float32Array;
  /** Code of 0, which pads an odd count. */
  readonly zeroCode: number;
  /** The code of a scaled value in [-1, 1]: one look-up and a comparison or two. */
  readonly nearestCode: (value: number) => number;
  /** Both values of every packed byte, high nibble first: row b holds the values of b >> 4 and b & 15. // [256, 2] */
  readonly pairTable: () => Float32Array;
}

export function fourBitType(name: string, codebook: Float32Array): FourBitType {
  const order = Uint8Array.from(codebook.keys()).sort((a, b) => at(codebook, a) - at(codebook, b)); // of equal ones the first code first
  const ascending = Float32Array.from(order, (code) => at(codebook, code));
  // halfway between neighbours, rounded to fp32 as bitsandbytes rounds them; the last is never passed
  const midpoints = Float32Array.from({ length: 16 }, (_, place) =>
    place === 15 ? Infinity : Math.fround(at(ascending, place) + at(ascending, place + 1)) / 2,
  );
  // [-1, 1] in 256 equal cells, each with the place of its lower edge
  const cells = Uint8Array.from({ length: 257 }, (_, cell) =>
    midpoints.findIndex((middle) => cell / 128 - 1 <= middle),
  );

  const nearestCode = (value: number): number => {
    let place = at(cells, ((value + 1) * 128) | 0);
    while (value > at(midpoints, place)) place++;
    return at(order, place);
  };
  return {
    name,
    codebook,
    zeroCode: nearestCode(0),
    nearestCode,
    pairTable: () => Float32Array.from({ length: 512 }, (_, i) => at(codebook, (i & 1) === 0 ? i >> 5 : (i >> 1) & 15)),
  };
}

function at(table: Float32Array | Uint8Array, index: number): number {
  return table[index]!; // indices are in range by construction
}
