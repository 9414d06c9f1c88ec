import { describe, expect, test } from 'vitest';
import { goldenCases, sourceOf } from './__fixtures__/golden.js';
import { dynamicMap } from './dynamic-map.js';
import { doubleQuantise } from './double-quantise.js';
import { nearestCode, nf4Codebook, pairTable } from './codebook.js';
import { quantise } from './quantise.js';

const golden = await goldenCases();
const bytes = (array: Float32Array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

describe.each(golden)('as bitsandbytes: $name', ({ source, blockSize, double, parts, offset }) => {
  test('codes and maxima, however the source is cut', async () => {
    for (const run of [1, 7, 64, 100, 1_000_000]) {
      const { codes, absmax } = await quantise(sourceOf(source, run), blockSize);
      const expected = parts.get('weight')!.data;
      expect(codes.subarray(0, expected.length)).toEqual(expected);
      if (double) {
        const nested = doubleQuantise(absmax, offset);
        expect(nested.codes).toEqual(parts.get('weight.absmax')!.data);
        expect(bytes(nested.absmax)).toEqual(parts.get('weight.nested_absmax')!.data);
      } else {
        expect(bytes(absmax)).toEqual(parts.get('weight.absmax')!.data);
      }
    }
  });
});

test.each(golden.filter(({ double }) => double))(
  "the offset is torch's mean, but for the rounding of its fp32 sum: $name",
  async ({ name, source, blockSize, offset }) => {
    const { absmax } = await quantise(sourceOf(source), blockSize);
    const apart = Math.abs(ulps(doubleQuantise(absmax).offset) - ulps(offset!));
    expect(apart).toBeLessThanOrEqual(name.startsWith('outliers') ? 2 : 1); // torch adds 15 small values to a large one
  },
);

test('the codebook and the dynamic map are those of bitsandbytes', () => {
  const { parts } = golden.find(({ double }) => double)!;
  expect(bytes(nf4Codebook)).toEqual(parts.get('weight.quant_map')!.data);
  expect(bytes(dynamicMap)).toEqual(parts.get('weight.nested_quant_map')!.data);
});

test('the nearest code is the nearest of all sixteen, the lower one at a tie', () => {
  const values = Float32Array.from({ length: 80_001 }, (_, i) => i / 40_000 - 1);
  const nearest = values.map((value) => {
    const distances = Array.from(nf4Codebook, (code) => Math.abs(code - value));
    return distances.indexOf(Math.min(...distances));
  });
  expect(values.map(nearestCode)).toEqual(nearest);
});

test('row b of the pair table holds the values of both nibbles', () => {
  const table = pairTable();
  for (let byte = 0; byte < 256; byte++) {
    expect(table[2 * byte]).toBe(nf4Codebook[byte >> 4]);
    expect(table[2 * byte + 1]).toBe(nf4Codebook[byte & 15]);
  }
});

test.each([
  ['NaN', NaN],
  ['infinity', -Infinity],
])('%s in a weight is refused, with its place', async (_, bad) => {
  const source = { shape: [3, 50] as const, values: new Float32Array(150).fill(0.5) };
  source.values[120] = bad;
  await expect(quantise(sourceOf(source, 64), 64)).rejects.toMatchObject({
    code: 'WEIGHT_NOT_FINITE',
    message: expect.stringMatching(/'model\.layer'.*row 2, column 20/) as string,
  });
});

test.each([149, 151, 400])('a source of 150 values that yields %i is refused', async (length) => {
  const source = { ...sourceOf({ shape: [1, length], values: new Float32Array(length) }, 60), rows: 3, columns: 50 };
  await expect(quantise(source, 64)).rejects.toMatchObject({ code: 'SHAPE_MISMATCH' });
});

/** Place of an fp32 value among all fp32 values. */
function ulps(value: number): number {
  return new Int32Array(Float32Array.of(value).buffer)[0]!;
}
