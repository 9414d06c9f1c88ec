import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fromFloat32 } from '../float-values.js';
import { dtypeBytes, type Dtype, type TensorBytes } from '../tensor-bytes.js';
import { openSafetensors } from './open-safetensors.js';
import { writeSafetensors } from './write-safetensors.js';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'loran-formats-'))));
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const fixture = (name: string) => fileURLToPath(new URL(`../__fixtures__/${name}`, import.meta.url));

async function readAll(path: string): Promise<{ tensors: Map<string, TensorBytes>; metadata: Record<string, string> }> {
  const file = await openSafetensors(path);
  const tensors = new Map<string, TensorBytes>();
  for (const name of file.tensors.keys()) tensors.set(name, await file.read(name));
  await file.close();
  return { tensors, metadata: Object.fromEntries(file.metadata) };
}

test.each(['every-dtype.safetensors', 'no-metadata.safetensors'])(
  '%s: the bytes of the reference library, in whatever order the tensors come',
  async (name) => {
    const { tensors, metadata } = await readAll(fixture(name));
    const path = join(folder, name);
    await writeSafetensors(path, [...tensors].reverse(), Object.keys(metadata).length > 0 ? metadata : undefined);
    expect(readFileSync(path).equals(readFileSync(fixture(name)))).toBe(true);
  },
);

test('what is written is read back, whatever the names, types and shapes', async () => {
  const path = join(folder, 'any.safetensors');
  const tensor = fc
    .record({
      dtype: fc.constantFrom(...(Object.keys(dtypeBytes) as Dtype[])),
      shape: fc.array(fc.nat(4), { maxLength: 3 }),
    })
    .chain(({ dtype, shape }) => {
      const size = shape.reduce((a, b) => a * b, dtypeBytes[dtype]);
      return fc.uint8Array({ minLength: size, maxLength: size }).map((data) => ({ dtype, shape, data }));
    });
  const name = fc.string({ unit: 'grapheme' }).filter((s) => s !== '__metadata__');
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.tuple(name, tensor), { selector: ([n]) => n, maxLength: 6 }),
      fc.dictionary(fc.string(), fc.string()),
      async (tensors, metadata) => {
        await writeSafetensors(path, tensors, metadata);
        const back = await readAll(path);
        expect(new Map([...back.tensors].map(([n, t]) => [n, { ...t, data: [...t.data] }]))).toEqual(
          new Map(tensors.map(([n, t]) => [n, { ...t, data: [...t.data] }])),
        );
        expect(back.metadata).toEqual({ ...metadata });
      },
    ),
    { numRuns: 100 },
  );
});

test('values are narrowed as they stream; infinity stays, a number that would become infinite is refused', async () => {
  const path = join(folder, 'narrowed.safetensors');
  const streamed = (dtype: 'F32' | 'F16' | 'BF16', ...values: number[]) => ({
    dtype,
    shape: [values.length],
    async *values() {
      for (const value of values) yield new Float32Array([value]);
    },
  });
  const values = [1, -0.1, Infinity, NaN, 65504];
  await writeSafetensors(
    path,
    (['F32', 'F16', 'BF16'] as const).map((dtype) => [dtype, streamed(dtype, ...values)] as const),
  );
  const { tensors } = await readAll(path);
  for (const dtype of ['F32', 'F16', 'BF16'] as const)
    expect(tensors.get(dtype)?.data).toEqual(new Uint8Array(fromFloat32(new Float32Array(values), dtype)));
  const writing = writeSafetensors(path, [['w', streamed('F16', 1, 65520)]]);
  await expect(writing).rejects.toThrow(/"w" holds 65520 at place 1, which is beyond what F16 can hold; choose BF16/);
  expect([...(await readAll(path)).tensors.keys()]).toHaveLength(3);
});

describe('a save that fails', () => {
  const old = 'the old file';
  let path: string;
  beforeEach(() => {
    path = join(folder, 'adapter_model.safetensors');
    writeFileSync(path, old);
  });
  const expectOldFileAlone = () => {
    expect(readFileSync(path, 'utf8')).toBe(old);
    expect(readdirSync(folder)).toEqual(['adapter_model.safetensors']);
  };
  const bytes = (...values: number[]) =>
    ({ dtype: 'U8', shape: [values.length], data: new Uint8Array(values) }) as const;

  test.each([
    [
      'a name twice',
      [
        ['a', bytes(1)],
        ['a', bytes(2)],
      ],
      /"a" is given twice/,
    ],
    ['the reserved name', [['__metadata__', bytes(1)]], /reserved/],
    ['too few bytes', [['a', { ...bytes(1), shape: [2] }]], /shape \[2\] and type U8 takes 2 bytes, but 1 were given/],
    ['negative sizes', [['a', { ...bytes(1), shape: [-1, -1] }]], /\[-1, -1\]/],
  ] as const)('for %s', async (_, tensors, says) => {
    const writing = writeSafetensors(path, tensors);
    await expect(writing).rejects.toMatchObject({ code: 'INVALID_TENSOR' });
    await expect(writing).rejects.toThrow(says);
    expectOldFileAlone();
  });

  test('because a stream is too short, or breaks', async () => {
    const stream = (chunks: () => AsyncIterable<Uint8Array>) =>
      writeSafetensors(path, [['a', { dtype: 'U8', shape: [9], chunks }]]);
    await expect(
      stream(async function* () {
        yield new Uint8Array(8);
      }),
    ).rejects.toThrow(/takes 9 bytes, but 8 were given/);
    await expect(
      stream(async function* () {
        yield new Uint8Array(8);
        throw new TypeError('the source broke');
      }),
    ).rejects.toThrow(TypeError);
    expectOldFileAlone();
  });

  test('because a file may not grow so large (a limit of the system)', (ctx) => {
    if (process.platform === 'win32') ctx.skip('Windows has no limit of file sizes for a process');
    const command = `ulimit -f 1024; exec "${process.execPath}" --conditions=@loran/source --import tsx "${fixture('limited-writer.ts')}" "${path}"`;
    const { stdout, stderr } = spawnSync('sh', ['-c', command], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({
      code: 'WRITE_FAILED',
      message: expect.stringMatching(/EFBIG.*unchanged/) as string,
    });
    expectOldFileAlone();
  });

  test('because the process is killed', async () => {
    const child = spawn(
      process.execPath,
      ['--conditions=@loran/source', '--import', 'tsx', fixture('stalled-writer.ts'), path],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const [signal] = (await once(child.stdout, 'data')) as [Buffer];
    expect(signal.toString()).toBe('half-way\n');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(readFileSync(path, 'utf8')).toBe(old);
    await writeSafetensors(path, [['a', bytes(1)]]); // and the next save succeeds beside what the killed one left
    expect((await readAll(path)).tensors.get('a')?.data).toEqual(new Uint8Array([1]));
  });
});
