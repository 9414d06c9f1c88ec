/** Byte for byte as bitsandbytes 0.50.2 on the CPU: codes, maxima, nested statistics, keys and JSON, for both types. */
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, test } from 'vitest';
import type { TensorBytes } from '@loran/formats';
import { openEngine, portableEngine } from '@loran/tensor';
import { blockSizeCases, digest, goldenCases, quantState, rowsOfScales, sourceOf } from './__fixtures__/golden.js';
import { fp4Codebook, fp4Type, nf4Codebook, nf4Type } from './codebook.js';
import { doubleQuantise } from './double-quantise.js';
import { dynamicMap } from './dynamic-map.js';
import { createFp4, fp4 } from './fp4.js';
import { createNf4, nf4 } from './nf4.js';
import { quantise } from './quantise.js';

const types = {
  nf4: { type: nf4Type, storage: nf4, create: createNf4, codebook: nf4Codebook },
  fp4: { type: fp4Type, storage: fp4, create: createFp4, codebook: fp4Codebook },
};
const golden = await Promise.all(
  (['nf4', 'fp4'] as const).map(async (name) => (await goldenCases(name)).map((row) => ({ ...row, typeName: name }))),
);
const cases = golden.flat();
const sizes = await blockSizeCases();
const bytes = (array: Float32Array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

beforeAll(async () => {
  await openEngine(portableEngine('cpu'));
});

describe.each(cases)('$typeName: $name', (row) => {
  const { typeName, name, source, blockSize, double, parts, offset, dequantised } = row;
  const { type, storage, create } = types[typeName];
  const quantStateKey = `weight.quant_state.bitsandbytes__${typeName}`;

  test('codes and maxima, however the source is cut', async () => {
    for (const run of [1, 7, 64, 100, 1_000_000]) {
      const { codes, absmax } = await quantise(type, sourceOf(source, run), blockSize);
      const expected = parts.get('weight')!.data;
      expect(codes.subarray(0, expected.length)).toEqual(expected);
      if (double) {
        const nested = doubleQuantise(absmax, offset);
        expect(nested.codes).toEqual(parts.get('weight.absmax')!.data);
        expect(bytes(nested.absmax)).toEqual(parts.get('weight.nested_absmax')!.data);
        const apart = Math.abs(ulps(doubleQuantise(absmax).offset) - ulps(offset!));
        expect(apart).toBeLessThanOrEqual(name.startsWith('outliers') ? 2 : 1); // torch adds 15 small values to a large one
      } else {
        expect(bytes(absmax)).toEqual(parts.get('weight.absmax')!.data);
      }
    }
  });

  test('restored, it has the same values to the bit, and gives back the same parts', async () => {
    const frozen = storage.restore('linear', parts);
    expect([frozen.rows, frozen.columns, frozen.storage]).toEqual([...source.shape, typeName]);
    expect(digest(frozen.weight().dataSync<'float32'>())).toBe(dequantised);
    expect(sorted(await frozen.parts())).toEqual(sorted(parts));
    frozen.dispose();
  });

  test('stored, it keeps the same parts', async () => {
    const frozen = await create({ blockSize, doubleQuantisation: double }).store(sourceOf(source, 1000));
    const kept = new Map(await frozen.parts());
    frozen.dispose();
    const expected = new Map(parts);
    const incomparable =
      double && quantState(typeName, kept).nested_offset !== offset
        ? [quantStateKey, 'weight.absmax', 'weight.nested_absmax'] // compared above, given the offset
        : name === 'from bfloat16'
          ? [quantStateKey] // names the type that the values had
          : [];
    for (const key of incomparable) [kept, expected].forEach((map) => map.delete(key));
    expect(sorted(kept)).toEqual(sorted(expected));
  });
});

test('every block size is among the cases, with whole blocks and without, of odd counts and of whole rows', () => {
  expect(new Set(sizes.map(({ blockSize }) => blockSize))).toEqual(new Set([32, 64, 128, 256, 512, 1024, 2048, 4096]));
  expect(sizes).toHaveLength(2 * 8 * 2 * 3);
});

test.each(sizes)('$type in blocks of $blockSize, double: $double, $shape', async (row) => {
  const { type, blockSize, double, shape, state, parts, dequantised } = row;
  const frozen = await types[type]
    .create({ blockSize, doubleQuantisation: double })
    .store(sourceOf(rowsOfScales(shape)));
  const kept = await frozen.parts();
  const key = `weight.quant_state.bitsandbytes__${type}`;
  const ownState = Buffer.from(kept.get(key)!.data).toString();
  const offset = (JSON.parse(state) as { nested_offset?: number }).nested_offset;
  expect([...kept.keys()].sort()).toEqual([...Object.keys(parts), key].sort());
  if (ownState === state) {
    for (const [name, expected] of Object.entries(parts)) expect(digest(kept.get(name)!.data), name).toBe(expected);
    expect(digest(frozen.weight().dataSync<'float32'>())).toBe(dequantised);
  } else {
    // the two means differ in the last bit; all else is the same, given the offset
    const own = (JSON.parse(ownState) as { nested_offset: number }).nested_offset;
    expect(Math.abs(ulps(own) - ulps(offset!))).toBe(1);
    expect(ownState.replace(/"nested_offset": .*/, '')).toBe(state.replace(/"nested_offset": .*/, ''));
    const { absmax } = await quantise(types[type].type, sourceOf(rowsOfScales(shape)), blockSize);
    const nested = doubleQuantise(absmax, offset);
    expect(digest(nested.codes)).toBe(parts['weight.absmax']);
    expect(digest(nested.absmax)).toBe(parts['weight.nested_absmax']);
    for (const name of ['weight', 'weight.quant_map', 'weight.nested_quant_map']) {
      expect(digest(kept.get(name)!.data), name).toBe(parts[name]);
    }
  }
  frozen.dispose();
});

test('the codebooks and the dynamic map are those of bitsandbytes', () => {
  for (const { typeName, double, parts } of cases) {
    expect(bytes(types[typeName].codebook)).toEqual(parts.get('weight.quant_map')!.data);
    if (double) expect(bytes(dynamicMap)).toEqual(parts.get('weight.nested_quant_map')!.data);
  }
});

function sorted(parts: ReadonlyMap<string, TensorBytes>): [string, TensorBytes][] {
  return [...parts].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Place of an fp32 value among all fp32 values. */
function ulps(value: number): number {
  return new Int32Array(Float32Array.of(value).buffer)[0]!;
}
