import { describe, expect, test } from 'vitest';
import { sourceOf } from './__fixtures__/golden.js';
import { fp4Type, nf4Type } from './codebook.js';
import { quantise } from './quantise.js';

describe.each([nf4Type, fp4Type])('$name', ({ codebook, nearestCode, pairTable, zeroCode }) => {
  test('the nearest code is the nearest of all sixteen, the lower one at a tie', () => {
    const values = Float32Array.from({ length: 20_001 }, (_, i) => i / 10_000 - 1);
    const ascending = Float32Array.from(codebook).sort();
    const nearest = values.map((value) => {
      const distances = Array.from(ascending, (code) => Math.abs(code - value));
      return ascending[distances.indexOf(Math.min(...distances))]!;
    });
    expect(values.map((value) => codebook[nearestCode(value)]!)).toEqual(nearest);
  });

  test('row b of the pair table holds the values of both nibbles', () => {
    const table = pairTable();
    for (let byte = 0; byte < 256; byte++) {
      expect(table[2 * byte]).toBe(codebook[byte >> 4]);
      expect(table[2 * byte + 1]).toBe(codebook[byte & 15]);
    }
    expect(codebook[zeroCode]).toBe(0);
  });
});

test.each([
  ['NaN', NaN],
  ['infinity', -Infinity],
])('%s in a weight is refused, with its place', async (_, bad) => {
  const source = { shape: [3, 50] as const, values: new Float32Array(150).fill(0.5) };
  source.values[120] = bad;
  await expect(quantise(nf4Type, sourceOf(source, 64), 64)).rejects.toMatchObject({
    code: 'WEIGHT_NOT_FINITE',
    message: expect.stringMatching(/'model\.layer'.*row 2, column 20/) as string,
  });
});

test.each([149, 151, 400])('a source of 150 values that yields %i is refused', async (length) => {
  const source = { ...sourceOf({ shape: [1, length], values: new Float32Array(length) }, 60), rows: 3, columns: 50 };
  await expect(quantise(nf4Type, source, 64)).rejects.toMatchObject({ code: 'SHAPE_MISMATCH' });
});
