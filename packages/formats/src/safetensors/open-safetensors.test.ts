import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { LoranError } from '@loran/plugin';
import { afterAll, expect, test } from 'vitest';
import { bufferSource, damaged, fileOf } from '../__fixtures__/bytes.js';
import { openSafetensors } from './open-safetensors.js';

const folder = mkdtempSync(join(tmpdir(), 'loran-formats-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const a = { dtype: 'F32', shape: [1], data_offsets: [0, 4] };
const b = { dtype: 'F32', shape: [1], data_offsets: [4, 8] };

const bad: Record<string, { bytes: Uint8Array; code: string; says: RegExp }> = {
  'an empty file': { bytes: new Uint8Array(0), code: 'SAFETENSORS_TRUNCATED', says: /has 0 bytes/ },
  'a header beyond the end': {
    bytes: fileOf({ a }, 0, 5000n),
    code: 'SAFETENSORS_TRUNCATED',
    says: /5000 bytes, but only 54/,
  },
  'an absurd header length': {
    bytes: fileOf({ a }, 4, 2n ** 63n),
    code: 'SAFETENSORS_HEADER',
    says: /9223372036854775808 bytes; at most 100000000/,
  },
  'a Git LFS pointer': {
    bytes: new TextEncoder().encode('version https://git-lfs.github.com/spec/v1\noid sha256:0'),
    code: 'SAFETENSORS_HEADER',
    says: /git lfs pull/,
  },
  'no JSON': { bytes: fileOf('{"a":', 4), code: 'SAFETENSORS_HEADER', says: /not valid JSON/ },
  'text behind the JSON': {
    bytes: fileOf(`${JSON.stringify({ a })}x`, 4),
    code: 'SAFETENSORS_HEADER',
    says: /not valid JSON/,
  },
  'bytes that are no UTF-8': {
    bytes: fileOf(new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])),
    code: 'SAFETENSORS_HEADER',
    says: /UTF-8/,
  },
  'a list for a header': { bytes: fileOf('[]'), code: 'SAFETENSORS_HEADER', says: /header is \[\]/ },
  'a name twice': {
    bytes: fileOf(`{"a":${JSON.stringify(a)},"\\u0061":${JSON.stringify(a)}}`, 4),
    code: 'SAFETENSORS_HEADER',
    says: /"a" twice/,
  },
  'a field twice': {
    bytes: fileOf('{"a":{"dtype":"F32","shape":[2],"shape":[1],"data_offsets":[0,4]}}', 4),
    code: 'SAFETENSORS_HEADER',
    says: /"shape" twice/,
  },
  'metadata that are no strings': {
    bytes: fileOf({ __metadata__: { format: 1 }, a }, 4),
    code: 'SAFETENSORS_HEADER',
    says: /"format" is 1; expected a string/,
  },
  'metadata that are a list': {
    bytes: fileOf({ __metadata__: [], a }, 4),
    code: 'SAFETENSORS_HEADER',
    says: /__metadata__ is \[\]/,
  },
  'a tensor that is a number': { bytes: fileOf({ a: 1 }, 4), code: 'SAFETENSORS_HEADER', says: /tensor "a" is 1/ },
  'an unknown dtype': {
    bytes: fileOf({ a: { ...a, dtype: 'F4' } }, 4),
    code: 'SAFETENSORS_DTYPE',
    says: /tensor "a" has dtype "F4"; known are BOOL/,
  },
  'a dtype from the prototype': {
    bytes: fileOf({ a: { ...a, dtype: 'toString' } }, 4),
    code: 'SAFETENSORS_DTYPE',
    says: /"toString"/,
  },
  'no dtype': {
    bytes: fileOf({ a: { shape: [1], data_offsets: [0, 4] } }, 4),
    code: 'SAFETENSORS_DTYPE',
    says: /dtype missing/,
  },
  'a negative size': {
    bytes: fileOf({ a: { ...a, shape: [-1, -1] } }, 4),
    code: 'SAFETENSORS_SHAPE',
    says: /shape \[-1,-1\]/,
  },
  'half a size': {
    bytes: fileOf({ a: { ...a, shape: [0.5, 2] } }, 4),
    code: 'SAFETENSORS_SHAPE',
    says: /shape \[0.5,2\]/,
  },
  'a shape that is no list': {
    bytes: fileOf({ a: { ...a, shape: { length: 1, 0: 1 } } }, 4),
    code: 'SAFETENSORS_SHAPE',
    says: /an object/,
  },
  'a shape whose product overflows': {
    bytes: fileOf({ a: { ...a, shape: [2 ** 40, 2 ** 40, 2 ** 40] } }, 4),
    code: 'SAFETENSORS_OFFSETS',
    says: /takes 5\.3\d*e\+36 bytes/,
  },
  'a shape that does not fit': {
    bytes: fileOf({ a: { ...a, shape: [2] } }, 4),
    code: 'SAFETENSORS_OFFSETS',
    says: /shape \[2\] of F32 takes 8 bytes, but data_offsets \[0, 4\] give 4/,
  },
  'offsets that run backwards': {
    bytes: fileOf({ a: { ...a, data_offsets: [4, 0] } }, 4),
    code: 'SAFETENSORS_OFFSETS',
    says: /backwards/,
  },
  'three offsets': {
    bytes: fileOf({ a: { ...a, data_offsets: [0, 4, 8] } }, 4),
    code: 'SAFETENSORS_OFFSETS',
    says: /two whole numbers/,
  },
  'negative offsets': {
    bytes: fileOf({ a: { ...a, data_offsets: [-4, 0] } }, 4),
    code: 'SAFETENSORS_OFFSETS',
    says: /two whole numbers/,
  },
  'offsets outside the file': {
    bytes: fileOf({ a, b }, 4),
    code: 'SAFETENSORS_TRUNCATED',
    says: /tensor "b" ends at byte 8 of the data, but the file holds only 4/,
  },
  'an overlap': {
    bytes: fileOf({ a, b: { ...b, data_offsets: [2, 6] } }, 6),
    code: 'SAFETENSORS_OFFSETS',
    says: /"a" and tensor "b" overlap/,
  },
  'a shared range': { bytes: fileOf({ a, b: a }, 4), code: 'SAFETENSORS_OFFSETS', says: /overlap/ },
  'a gap': {
    bytes: fileOf({ a, b: { ...b, data_offsets: [8, 12] } }, 12),
    code: 'SAFETENSORS_OFFSETS',
    says: /leave a gap/,
  },
  'a gap at the start': {
    bytes: fileOf({ b }, 8),
    code: 'SAFETENSORS_OFFSETS',
    says: /header and tensor "b" leave a gap/,
  },
  'bytes at the end': { bytes: fileOf({ a }, 5), code: 'SAFETENSORS_OFFSETS', says: /take 4 bytes, but 5 bytes/ },
  'lists nested without end': {
    bytes: fileOf(`{"a":{"dtype":"F32","data_offsets":[0,4],"shape":${'['.repeat(50_000)}${']'.repeat(50_000)}}}`, 4),
    code: 'SAFETENSORS_SHAPE',
    says: /a deeply nested list/,
  },
};

test.each(Object.entries(bad))('%s is refused, and the source is closed', async (_, { bytes, code, says }) => {
  const source = bufferSource(bytes);
  const error = await openSafetensors(source).then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(LoranError.is(error) && error.code).toBe(code);
  expect((error as Error).message).toMatch(says);
  expect((error as Error).message).toMatch(/^buffer\.safetensors: /);
  expect((error as Error).message.length).toBeLessThan(600);
  expect(source.closed).toBe(true);
});

test('a lying length takes no memory: nothing beyond the file is asked for', async () => {
  const source = bufferSource(fileOf({ a: { ...a, shape: [2 ** 38], data_offsets: [0, 2 ** 40] } }, 4));
  await expect(openSafetensors(source)).rejects.toThrow(/holds only 4/);
  expect(source.asked).toBeLessThan(200);
});

test('names that mean something to JavaScript are names like any other', async () => {
  const file = await openSafetensors(
    bufferSource(fileOf(`{"__proto__":${JSON.stringify(a)},"constructor":${JSON.stringify(b)}}`, 8)),
  );
  expect([...file.tensors.keys()]).toEqual(['__proto__', 'constructor']);
  expect((await file.read('__proto__')).data.length).toBe(4);
  await expect(file.read('toString')).rejects.toMatchObject({ code: 'TENSOR_NOT_FOUND' });
});

test('a scalar, empty tensors and no tensors at all are valid', async () => {
  expect((await openSafetensors(bufferSource(fileOf('{}')))).tensors.size).toBe(0);
  const file = await openSafetensors(
    bufferSource(
      fileOf(
        {
          none: { dtype: 'F16', shape: [0, 7], data_offsets: [0, 0] },
          one: { dtype: 'F32', shape: [], data_offsets: [0, 4] },
        },
        4,
      ),
    ),
  );
  expect(await file.read('none')).toEqual({ dtype: 'F16', shape: [0, 7], data: new Uint8Array(0) });
  expect(file.tensors.get('one')?.shape).toEqual([]);
  const runs: Float32Array[] = [];
  for await (const run of file.values('none')) runs.push(run);
  expect(runs).toEqual([]);
});

test('a large tensor comes in runs, widened, and never whole', async () => {
  const elements = (1 << 20) + 3;
  const bytes = fileOf({ w: { dtype: 'BF16', shape: [elements], data_offsets: [0, 2 * elements] } }, 2 * elements);
  bytes.set([0x80, 0x3f, 0x80, 0xbf], bytes.length - 4); // 1 and -1
  const file = await openSafetensors(bufferSource(bytes));
  const runs: Float32Array[] = [];
  for await (const run of file.values('w')) runs.push(run);
  expect(runs.map((run) => run.length)).toEqual([1 << 20, 3]);
  expect([...runs[1]!]).toEqual([0, 1, -1]);
});

test('integers are not read as floats', async () => {
  const file = await openSafetensors(
    bufferSource(fileOf({ ids: { dtype: 'I64', shape: [1], data_offsets: [0, 8] } }, 8)),
  );
  await expect(file.values('ids')[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'TENSOR_NOT_FLOAT' });
});

test('files: absent, a folder, closed too early, cut off while open', async () => {
  await expect(openSafetensors(join(folder, 'absent.safetensors'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  await expect(openSafetensors(folder)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
  const path = join(folder, 'closed.safetensors');
  writeFileSync(path, fileOf({ a }, 4));
  const file = await openSafetensors(path);
  writeFileSync(path, fileOf({ a }, 0));
  await expect(file.read('a')).rejects.toMatchObject({ code: 'FILE_TRUNCATED' });
  await file.close();
  await file.close();
  await expect(file.read('a')).rejects.toMatchObject({ code: 'FILE_CLOSED' });
});

const small = fileOf(
  {
    __metadata__: { format: 'pt' },
    a,
    b,
    c: { dtype: 'F16', shape: [2, 3], data_offsets: [8, 20] },
    d: { dtype: 'U8', shape: [3], data_offsets: [20, 23] },
  },
  23,
);

/** Only a LoranError may come out, and no more bytes be asked for than are there. */
async function readAll(bytes: Uint8Array): Promise<void> {
  const source = bufferSource(bytes);
  try {
    const file = await openSafetensors(source);
    let total = 0;
    for (const name of file.tensors.keys()) total += (await file.read(name)).data.length;
    expect(total).toBeLessThanOrEqual(bytes.length);
  } catch (error) {
    if (!LoranError.is(error)) throw error;
  }
  expect(source.asked).toBeLessThanOrEqual(bytes.length);
}

test('every byte of a small file flipped in every bit, and the file cut at every byte, is read or refused by name', async () => {
  await readAll(small);
  for (const bytes of damaged(small)) await readAll(bytes);
});

test('several changes at once, digits and brackets among them, are read or refused by name', async () => {
  const mutation = fc.record({ at: fc.nat(small.length - 1), byte: fc.nat(255) });
  const digits = fc.record({
    at: fc.nat(small.length - 1),
    byte: fc.constantFrom(...new TextEncoder().encode('0123456789-.eE"[]{},:')),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.nat(small.length),
      fc.array(fc.oneof(mutation, digits), { maxLength: 6 }),
      fc.boolean(),
      async (length, changes, cut) => {
        const bytes = small.slice(0, cut ? length : small.length);
        for (const { at, byte } of changes) if (at < bytes.length) bytes[at] = byte;
        await readAll(bytes);
      },
    ),
    { numRuns: 2000 },
  );
});

test('any JSON at all as a header is read or refused by name', async () => {
  await fc.assert(
    fc.asyncProperty(fc.json(), fc.nat(64), async (json, dataLength) => {
      const error = await openSafetensors(bufferSource(fileOf(json, dataLength))).then(
        () => undefined,
        (e: unknown) => e,
      );
      expect(error === undefined || LoranError.is(error)).toBe(true);
    }),
    { numRuns: 500 },
  );
});
