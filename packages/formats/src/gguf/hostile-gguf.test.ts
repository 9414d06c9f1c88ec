import { LoranError } from '@loran/plugin';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bufferSource, damaged } from '../__fixtures__/bytes.js';
import { arrayValue, ggufOf, type GgufParts, stringValue, uint32Value } from '../__fixtures__/gguf-bytes.js';
import { openGguf } from './open-gguf.js';

const source = (bytes: Uint8Array, size = bytes.length) => bufferSource(bytes, size, 'model.gguf');
const f32 = { name: 'a', sizes: [4], type: 0, offset: 0 };
const field = (value: Uint8Array, type: NonNullable<GgufParts['fields']>[number]['type'] = 'string') =>
  ggufOf({ fields: [{ key: 'k', type, value }] });

test.each<[string, Uint8Array, string, RegExp]>([
  ['an empty file', new Uint8Array(0), 'GGUF_TRUNCATED', /has 0 bytes/],
  ['a file that ends in its counts', ggufOf({}).slice(0, 20), 'GGUF_TRUNCATED', /claims metadata fields at byte 16/],
  ['a safetensors file', new TextEncoder().encode('........{"a":{}}'), 'GGUF_HEADER', /Is it a whole GGUF file/],
  [
    'a Git LFS pointer',
    new TextEncoder().encode('version https://git-lfs.github.com/spec/v1'),
    'GGUF_HEADER',
    /git lfs pull/,
  ],
  ['version 1', ggufOf({ version: 1 }), 'GGUF_VERSION', /version 1; versions 2 and 3/],
  ['a version to come', ggufOf({ version: 4 }), 'GGUF_VERSION', /version 4/],
  ['a big-endian file', ggufOf({ version: 3 << 24 }), 'GGUF_VERSION', /big-endian.*gguf-convert-endian/],
  [
    'a trillion fields',
    ggufOf({ fieldCount: 10n ** 12n }),
    'GGUF_TRUNCATED',
    /claims 1000000000000 metadata fields at byte 24/,
  ],
  ['2^63 tensors', ggufOf({ tensorCount: 2n ** 63n }), 'GGUF_TRUNCATED', /claims 9223372036854775808 tensors/],
  [
    'a string of a terabyte',
    field(stringValue('x', 2n ** 40n)),
    'GGUF_TRUNCATED',
    /metadata field "k" of 1099511627776 bytes/,
  ],
  [
    'an array of a terabyte',
    field(arrayValue('float32', 2n ** 38n, new Uint8Array(8)), 'array'),
    'GGUF_TRUNCATED',
    /274877906944 elements of metadata field "k"/,
  ],
  [
    'an array of 2^64 - 1 strings',
    field(arrayValue('string', 2n ** 64n - 1n, new Uint8Array(8)), 'array'),
    'GGUF_TRUNCATED',
    /elements of metadata field "k"/,
  ],
  [
    'arrays within arrays',
    field(arrayValue('array', 1n, arrayValue('uint8', 1n, new Uint8Array(1))), 'array'),
    'GGUF_HEADER',
    /"k" is an array of arrays/,
  ],
  ['a type of value that does not exist', field(new Uint8Array(8), 13), 'GGUF_HEADER', /"k" has the type 13/],
  ['a truth value of 2', field(new Uint8Array([2]), 'bool'), 'GGUF_HEADER', /"k" is the byte 2/],
  [
    'text that is no UTF-8',
    field(stringValue(new Uint8Array([0xff]))),
    'GGUF_HEADER',
    /"k", before byte \d+, is not UTF-8/,
  ],
  [
    'a key twice',
    ggufOf({ fields: [1, 2].map((n) => ({ key: 'k', type: 'uint32' as const, value: uint32Value(n) })) }),
    'GGUF_HEADER',
    /"k" occurs twice/,
  ],
  [
    'an alignment of 0',
    ggufOf({ fields: [{ key: 'general.alignment', type: 'uint32', value: uint32Value(0) }] }),
    'GGUF_HEADER',
    /general\.alignment is 0/,
  ],
  [
    'an alignment of 48',
    ggufOf({ fields: [{ key: 'general.alignment', type: 'uint32', value: uint32Value(48) }] }),
    'GGUF_HEADER',
    /power of two/,
  ],
  [
    'an alignment in words',
    ggufOf({ fields: [{ key: 'general.alignment', type: 'string', value: stringValue('32') }] }),
    'GGUF_HEADER',
    /no number \(string\)/,
  ],
  [
    'a part of a split model',
    ggufOf({ fields: [{ key: 'split.count', type: 'uint32', value: uint32Value(3) }] }),
    'GGUF_SPLIT',
    /one of the 3 parts.*--merge/,
  ],
  [
    'a tensor twice',
    ggufOf({ tensors: [f32, { ...f32, offset: 32 }], dataLength: 64 }),
    'GGUF_HEADER',
    /"a" occurs twice/,
  ],
  [
    'four billion sizes',
    ggufOf({ tensors: [{ ...f32, rank: 2 ** 32 - 1 }] }),
    'GGUF_SHAPE',
    /"a" has 4294967295 sizes/,
  ],
  [
    'a shape whose product overflows',
    ggufOf({ tensors: [{ ...f32, sizes: [2n ** 32n, 2n ** 32n] }] }),
    'GGUF_SHAPE',
    /"a" has the shape \[4294967296, 4294967296\]/,
  ],
  ['a size of 2^64 - 1', ggufOf({ tensors: [{ ...f32, sizes: [2n ** 64n - 1n] }] }), 'GGUF_SHAPE', /"a" has the shape/],
  [
    'a row that is no whole block',
    ggufOf({ tensors: [{ ...f32, sizes: [48], type: 2 }], dataLength: 64 }),
    'GGUF_SHAPE',
    /rows of 48 values; Q4_0 stores them in blocks of 32/,
  ],
  [
    'a type not read here',
    ggufOf({ tensors: [{ ...f32, type: 23 }], dataLength: 64 }),
    'GGUF_TYPE',
    /"a" has the type IQ4_XS; known are F32/,
  ],
  [
    'a type that does not exist',
    ggufOf({ tensors: [{ ...f32, type: 99 }], dataLength: 64 }),
    'GGUF_TYPE',
    /"a" has the type 99/,
  ],
  [
    'a tensor beyond the end',
    ggufOf({ tensors: [f32], dataLength: 15 }),
    'GGUF_TRUNCATED',
    /"a" ends at byte 80, but the file has only 79/,
  ],
  [
    'a tensor of a terabyte',
    ggufOf({ tensors: [{ ...f32, sizes: [2 ** 38] }], dataLength: 16 }),
    'GGUF_TRUNCATED',
    /"a" ends at byte 1099511627840/,
  ],
  [
    'an offset of 2^64 - 32',
    ggufOf({ tensors: [{ ...f32, offset: 2n ** 64n - 32n }], dataLength: 16 }),
    'GGUF_TRUNCATED',
    /"a" ends at byte 1844/,
  ],
  [
    'an offset off the alignment',
    ggufOf({ tensors: [{ ...f32, offset: 4 }], dataLength: 32 }),
    'GGUF_OFFSETS',
    /byte 4 of the data, which is no multiple of the alignment 32/,
  ],
  [
    'tensors that overlap',
    ggufOf({
      tensors: [
        { ...f32, sizes: [9] },
        { ...f32, name: 'b', offset: 32 },
      ],
      dataLength: 64,
    }),
    'GGUF_OFFSETS',
    /tensors "a" and "b" overlap/,
  ],
  [
    'tensors that share their bytes',
    ggufOf({ tensors: [f32, { ...f32, name: 'b' }], dataLength: 64 }),
    'GGUF_OFFSETS',
    /overlap/,
  ],
])('%s is refused, and the source is closed', async (_, bytes, code, says) => {
  const from = source(bytes);
  const error = await openGguf(from).then(
    () => undefined,
    (e: unknown) => e,
  );
  expect((error as Error).message).toMatch(says);
  expect(LoranError.is(error) && error.code).toBe(code);
  expect((error as Error).message).toMatch(/^model\.gguf: /);
  expect((error as Error).message.length).toBeLessThan(600);
  expect(from.asked).toBeLessThanOrEqual(bytes.length);
  expect(from.closed).toBe(true);
});

test('in a file of terabytes, a header that claims most of it is refused before it is read', async () => {
  const header = ggufOf({
    fields: [{ key: 'k', type: 'array', value: arrayValue('uint8', 2n ** 40n, new Uint8Array(2 << 20)) }],
  });
  const from = source(header, 2 ** 42);
  await expect(openGguf(from)).rejects.toMatchObject({ code: 'GGUF_HEADER' });
  await expect(openGguf(from)).rejects.toThrow(/1099511627776 elements .* at most 100000000 bytes/);
  expect(from.asked).toBeLessThanOrEqual(4 << 20);
});

test('no tensors, empty tensors, gaps between tensors and names that mean something to JavaScript are valid', async () => {
  expect((await openGguf(source(ggufOf({})))).tensors.size).toBe(0);
  const file = await openGguf(
    source(
      ggufOf({
        fields: [{ key: '__proto__', type: 'uint32', value: uint32Value(7) }],
        tensors: [
          { ...f32, name: 'constructor', offset: 64 },
          { ...f32, name: '__proto__' },
          { ...f32, name: 'none', sizes: [0, 4] },
          { ...f32, name: 'scalar', sizes: [], offset: 96 },
        ],
        dataLength: 100,
      }),
    ),
  );
  expect(file.fields.get('__proto__')).toEqual({ type: 'uint32', value: 7 });
  expect([...file.tensors.keys()]).toEqual(['none', '__proto__', 'constructor', 'scalar']);
  expect(file.tensors.get('none')?.shape).toEqual([4, 0]);
  expect((await file.read('none')).data.length).toBe(0);
  expect((await file.read('scalar')).data.length).toBe(4);
  await expect(file.read('toString')).rejects.toMatchObject({ code: 'TENSOR_NOT_FOUND' });
});

test('a header longer than what is read at once is read whole', async () => {
  const words = Array.from({ length: 40_000 }, (_, i) => `token ${i}`);
  const bytes = Buffer.concat(words.map((word) => stringValue(word)));
  const fields = ['tokens', 'again'].map((key) => ({
    key,
    type: 'array' as const,
    value: arrayValue('string', BigInt(words.length), bytes),
  }));
  const numbers = {
    key: 'scores',
    type: 'array' as const,
    value: arrayValue('float32', 1_000_000n, new Uint8Array(4_000_000).fill(1)),
  };
  const file = await openGguf(source(ggufOf({ fields: [...fields, numbers], tensors: [f32], dataLength: 16 })));
  expect((file.fields.get('again')?.value as string[]).join()).toBe(words.join());
  expect((file.fields.get('scores')?.value as Float32Array).at(-1)).toBe(
    new Float32Array(new Uint8Array(4).fill(1).buffer)[0],
  );
});

const small = ggufOf({
  fields: [
    { key: 'general.architecture', type: 'string', value: stringValue('llama') },
    { key: 'general.alignment', type: 'uint32', value: uint32Value(32) },
    {
      key: 'words',
      type: 'array',
      value: arrayValue('string', 2n, Buffer.concat([stringValue('a'), stringValue('é')])),
    },
    { key: 'flags', type: 'array', value: arrayValue('bool', 2n, new Uint8Array([0, 1])) },
    { key: 'size', type: 'uint64', value: new Uint8Array(8).fill(9) },
  ],
  tensors: [
    { name: 'a.weight', sizes: [32, 2], type: 2, offset: 0 },
    { name: 'b.weight', sizes: [256], type: 14, offset: 64 },
    { name: 'c.bias', sizes: [3], type: 1, offset: 288 },
  ],
  dataLength: 294,
});

/** Reads everything, as raw bytes and as values. Only a LoranError may come out, and no more bytes be asked for than are there. */
async function readAll(bytes: Uint8Array): Promise<void> {
  const from = source(bytes);
  try {
    const file = await openGguf(from);
    expect(from.asked).toBeLessThanOrEqual(bytes.length);
    for (const [name, { dtype, byteLength }] of file.tensors) {
      expect((await file.read(name)).data.length).toBe(byteLength);
      if (!dtype.startsWith('I'))
        for await (const run of file.values(name)) expect(run.length).toBeLessThanOrEqual(1 << 20);
    }
    expect(from.asked).toBeLessThanOrEqual(3 * bytes.length);
  } catch (error) {
    if (!LoranError.is(error)) throw error;
  }
}

test('every byte of a small file flipped in every bit, and the file cut at every byte, is read or refused by name', async () => {
  await readAll(small);
  for (const bytes of damaged(small)) await readAll(bytes);
});

test('several changes at once, words of extreme values among them, are read or refused by name', async () => {
  const extreme = [0n, 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];
  const change = fc.oneof(
    fc.record({ at: fc.nat(small.length - 1), bytes: fc.uint8Array({ minLength: 1, maxLength: 4 }) }),
    fc.record({
      at: fc.nat(small.length - 8),
      bytes: fc.constantFrom(...extreme).map((n) => new Uint8Array(new BigUint64Array([n]).buffer)),
    }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), async (changes) => {
      const bytes = small.slice();
      for (const { at, bytes: put } of changes) bytes.set(put.subarray(0, bytes.length - at), at);
      await readAll(bytes);
    }),
    { numRuns: 2000 },
  );
});

test('any bytes behind the magic number are read or refused by name', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.nat(3), fc.nat(3), async (rest, tensors, fields) => {
      await readAll(
        Buffer.concat([ggufOf({ tensorCount: BigInt(tensors), fieldCount: BigInt(fields) }).slice(0, 24), rest]),
      );
    }),
    { numRuns: 1000 },
  );
});
