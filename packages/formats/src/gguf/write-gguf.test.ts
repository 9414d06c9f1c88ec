import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { WritableType } from '../encode-values.js';
import { fromFloat32, toFloat32 } from '../float-values.js';
import { openSafetensors } from '../safetensors/open-safetensors.js';
import { sizeOf } from '../tensor-bytes.js';
import { type GgufType, ggufTypeCodes } from './gguf-type.js';
import type { GgufValue } from './gguf-value.js';
import { openGguf } from './open-gguf.js';
import { type GgufTensor, writeGguf } from './write-gguf.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'loran-formats-'));
  path = join(folder, 'model.gguf');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const fixture = (name: string) => fileURLToPath(new URL(`../__fixtures__/${name}`, import.meta.url));
const pairs = (fields: Record<string, GgufValue>) => Object.entries(fields);

test('a file of every type, read and written again, has the bytes of the reference writer', async () => {
  const file = await openGguf(fixture('every-type.gguf'));
  const tensors: [string, GgufTensor][] = [];
  for (const name of file.tensors.keys()) tensors.push([name, await file.read(name)]);
  await file.close();
  await writeGguf(path, { fields: file.fields, tensors });
  expect(readFileSync(path).equals(readFileSync(fixture('every-type.gguf')))).toBe(true);
});

test('writing says how far it is, in bytes of the tensors', async () => {
  const values = async function* () {
    yield* await Promise.resolve([new Float32Array(32), new Float32Array(32)]);
  };
  const reports: [number, number][] = [];
  const tensors: [string, GgufTensor][] = [
    ['a', { dtype: 'Q8_0', shape: [2, 32], values }],
    ['b', { dtype: 'F32', shape: [1], data: new Uint8Array(4) }],
  ];
  await writeGguf(path, { fields: [], tensors }, { onProgress: (...report) => reports.push(report) });
  expect(reports[0]).toEqual([0, 72]);
  expect(reports.filter(([written]) => written === 72)).toEqual([[72, 72]]);
  expect(reports.at(-1)).toEqual([72, 72]);
});

test('values narrowed and quantised in runs of any length have the bytes of the reference quantisers', async () => {
  const golden = await openSafetensors(fixture('quantised.safetensors'));
  const { shape } = golden.tensors.get('values')!;
  const all = toFloat32((await golden.read('values')).data, 'F32');
  await golden.close();
  async function* values() {
    for (let i = 0; i < all.length; i += 37) yield all.slice(i, i + 37); // runs that end within blocks
  }
  const types: readonly WritableType[] = ['F32', 'F16', 'BF16', 'Q8_0', 'Q4_0'];
  await writeGguf(path, {
    fields: pairs({
      'general.architecture': { type: 'string', value: 'llama' },
      'general.quantization_version': { type: 'uint32', value: 2 },
    }),
    tensors: types.map((dtype) => [`${dtype}.weight`, { dtype, shape, values }] as const),
  });
  const ours = await openGguf(path);
  const theirs = await openGguf(fixture('quantised.gguf'));
  for (const name of theirs.tensors.keys()) {
    expect({ name, data: [...(await ours.read(name)).data] }).toEqual({
      name,
      data: [...(await theirs.read(name)).data],
    });
  }
  await ours.close();
  await theirs.close();
  expect(readFileSync(path).equals(readFileSync(fixture('quantised.gguf')))).toBe(true);
});

test('quantised values are within half a step of what they were', () => {
  const values = Float32Array.from({ length: 320 }, (_, i) => Math.sin(i * 7.3) * 2 ** ((i >> 5) - 5));
  for (const [type, steps] of [
    ['Q8_0', 127],
    ['Q4_0', 8],
  ] as const) {
    const back = toFloat32(fromFloat32(values, type), type);
    for (let block = 0; block < 10; block++) {
      const of = (from: Float32Array) => from.subarray(block * 32, block * 32 + 32);
      const step = Math.max(...of(values).map(Math.abs)) / steps;
      // Q4_0 has no code for +8, so a value opposite to the extreme may lose a whole step
      const allowed = (type === 'Q4_0' ? 1 : 0.5) * step * 1.01 + Math.max(...of(values).map(Math.abs)) * 2 ** -11;
      of(values).forEach((x, i) => expect(Math.abs(x - of(back)[i]!)).toBeLessThanOrEqual(allowed));
    }
  }
});

test('what is written is read back, whatever the names, types, shapes and metadata', async () => {
  const whole = (bits: number, signed: boolean) =>
    signed ? fc.bigInt(-(2n ** BigInt(bits - 1)), 2n ** BigInt(bits - 1) - 1n) : fc.bigInt(0n, 2n ** BigInt(bits) - 1n);
  const field = fc.oneof<fc.Arbitrary<GgufValue>[]>(
    fc.string({ unit: 'grapheme' }).map((value) => ({ type: 'string', value })),
    fc.boolean().map((value) => ({ type: 'bool', value })),
    fc.float().map((value) => ({ type: 'float32', value })),
    fc.double().map((value) => ({ type: 'float64', value })),
    fc.array(fc.string({ unit: 'grapheme' })).map((value) => ({ type: 'string[]', value })),
    fc.float32Array().map((value) => ({ type: 'float32[]', value })),
    fc.bigInt64Array().map((value) => ({ type: 'int64[]', value })),
    ...([8, 16, 32] as const).flatMap((bits) => [
      whole(bits, true).map((value) => ({ type: `int${bits}`, value: Number(value) }) as const),
      whole(bits, false).map((value) => ({ type: `uint${bits}`, value: Number(value) }) as const),
    ]),
    whole(64, true).map((n) => ({ type: 'int64', value: Number.isSafeInteger(Number(n)) ? Number(n) : n })),
    whole(64, false).map((n) => ({ type: 'uint64', value: Number.isSafeInteger(Number(n)) ? Number(n) : n })),
  );
  const tensor = fc
    .record({
      dtype: fc.constantFrom(...(Object.keys(ggufTypeCodes) as GgufType[])),
      outer: fc.array(fc.nat(3), { maxLength: 3 }),
      row: fc.integer({ min: 1, max: 2 }),
    })
    .chain(({ dtype, outer, row }) => {
      const shape = [...outer, row * 256];
      const size = sizeOf(shape, dtype);
      return fc.constant({ dtype, shape, data: new Uint8Array(size).fill(size % 251) });
    });
  const name = fc.string({ unit: 'grapheme', maxLength: 15 }).filter((s) => Buffer.byteLength(s) <= 63);
  const key = fc
    .string({ unit: 'grapheme', minLength: 1 })
    .filter((s) => !/^(split\.count|general\.alignment)$/.test(s));
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.tuple(key, field), { selector: ([k]) => k, maxLength: 6 }),
      fc.uniqueArray(fc.tuple(name, tensor), { selector: ([n]) => n, maxLength: 4 }),
      fc.constantFrom(8, 32, 64),
      async (fields, tensors, alignment) => {
        const all = [...fields, ['general.alignment', { type: 'uint32', value: alignment }] as const];
        await writeGguf(path, { fields: all, tensors });
        const file = await openGguf(path);
        expect([...file.fields]).toEqual(all);
        expect(new Set(file.tensors.keys())).toEqual(new Set(tensors.map(([n]) => n)));
        for (const [n, expected] of tensors) {
          const { dtype, shape, data } = await file.read(n);
          expect({ dtype, shape }).toEqual({ dtype: expected.dtype, shape: expected.shape });
          expect(Buffer.compare(data, expected.data)).toBe(0);
        }
        await file.close();
      },
    ),
    { numRuns: 100 },
  );
});

describe('a file that cannot be written is refused, and the old one kept', () => {
  const old = 'the old file';
  beforeEach(() => {
    writeFileSync(path, old);
  });
  const expectOldFileAlone = () => {
    expect(readFileSync(path, 'utf8')).toBe(old);
    expect(readdirSync(folder)).toEqual(['model.gguf']);
  };
  const floats = (...values: number[]) =>
    ({
      dtype: 'F32',
      shape: [values.length],
      data: fromFloat32(new Float32Array(values), 'F32'),
    }) as const satisfies GgufTensor;
  const streamed = (dtype: WritableType, shape: readonly number[], ...values: number[]): GgufTensor => ({
    dtype,
    shape,
    async *values() {
      yield new Float32Array(values);
    },
  });
  const row = (value: number) => Array.from({ length: 32 }, (_, i) => (i === 30 ? value : 1));

  test.each<[string, (readonly [string, GgufTensor])[], RegExp]>([
    [
      'a name twice',
      [
        ['a', floats(1)],
        ['a', floats(2)],
      ],
      /"a" is given twice/,
    ],
    ['a name that llama.cpp cannot read', [['é'.repeat(32), floats(1)]], /a name of 64 bytes; .* at most 63/],
    [
      'too few bytes',
      [['a', { ...floats(1), shape: [2] }]],
      /shape \[2\] and type F32 takes 8 bytes, but 4 were given/,
    ],
    ['too few values', [['a', streamed('F16', [2], 1)]], /takes 4 bytes, but 2 were given/],
    ['a part of a block', [['a', streamed('Q8_0', [32], 1)]], /takes 34 bytes, but 0 were given/],
    [
      'rows that are no whole blocks',
      [['a', streamed('Q8_0', [32, 16], ...row(1))]],
      /rows of 16 values, but Q8_0 stores blocks of 32/,
    ],
    ['five sizes', [['a', { ...floats(1), shape: [1, 1, 1, 1, 1] }]], /at most 4/],
    ['a negative size', [['a', { ...floats(1), shape: [-1, -1] }]], /\[-1, -1\]/],
    ['a type that GGUF lacks', [['a', { ...floats(1), dtype: 'U8' as 'I8' }]], /is U8; GGUF has F32/],
    [
      'NaN in a block',
      [['a', streamed('Q4_0', [2, 32], ...row(1), ...row(NaN))]],
      /holds NaN at place 62, which is nothing that Q4_0 can hold/,
    ],
    [
      'a number too large',
      [['a', streamed('F16', [2], 1, 1e5)]],
      /holds 100000 at place 1, which is beyond what F16 can hold/,
    ],
  ])('%s', async (_, tensors, says) => {
    const writing = writeGguf(path, { fields: [], tensors });
    await expect(writing).rejects.toMatchObject({ code: 'INVALID_TENSOR', file: path });
    await expect(writing).rejects.toThrow(says);
    expectOldFileAlone();
  });

  test.each<[string, (readonly [string, GgufValue])[], RegExp]>([
    [
      'a key twice',
      [
        ['a', { type: 'bool', value: true }],
        ['a', { type: 'bool', value: true }],
      ],
      /"a" is given twice/,
    ],
    ['no key', [['', { type: 'bool', value: true }]], /has no name/],
    ['a number beyond its type', [['a', { type: 'uint8', value: 256 }]], /"a" holds 256, which is no uint8/],
    ['a negative count', [['a', { type: 'uint64', value: -1n }]], /holds -1, which is no uint64/],
    ['half a number', [['a', { type: 'int32', value: 0.5 }]], /holds 0.5, which is no int32/],
    [
      'text for a number',
      [['a', { type: 'float32', value: '1' as unknown as number }]],
      /holds "1", which is no float32/,
    ],
    [
      'a list with a number',
      [['a', { type: 'string[]', value: ['x', 1 as unknown as string] }]],
      /holds 1, which is no string/,
    ],
    [
      'a type that GGUF lacks',
      [['a', { type: 'date' as 'string', value: '' }]],
      /has the type "date", which GGUF lacks/,
    ],
    ['an array of arrays', [['a', { type: 'array[]' as 'string[]', value: [] }]], /"array\[\]", which GGUF lacks/],
  ])('%s', async (_, fields, says) => {
    const writing = writeGguf(path, { fields, tensors: [] });
    await expect(writing).rejects.toMatchObject({ code: 'INVALID_METADATA', file: path });
    await expect(writing).rejects.toThrow(says);
    expectOldFileAlone();
  });

  test('an alignment that is no power of two', async () => {
    const fields = pairs({ 'general.alignment': { type: 'uint32', value: 48 } });
    await expect(writeGguf(path, { fields, tensors: [] })).rejects.toThrow(/general\.alignment is 48/);
    expectOldFileAlone();
  });
});
