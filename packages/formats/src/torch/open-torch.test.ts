/** State dicts that torch wrote, read as torch reads them; and files of torch that are something else. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { bufferSource } from '../__fixtures__/bytes.js';
import { pickleOf, string, tensorOf, torchOf, zipOf } from '../__fixtures__/torch-bytes.js';
import { openTorch } from './open-torch.js';

const fixture = (name: string) => fileURLToPath(new URL(`../__fixtures__/torch/${name}`, import.meta.url));
const scratch = mkdtempSync(path.join(tmpdir(), 'loran-torch-'));
afterAll(() => rmSync(scratch, { recursive: true }));

type Contents = Record<string, { dtype: string; shape: number[]; data: string }>;
const golden = JSON.parse(readFileSync(fixture('state.json'), 'utf8')) as Contents;

async function contents(file: string): Promise<Contents> {
  const opened = await openTorch(file);
  const all: Contents = {};
  for (const name of opened.tensors.keys()) {
    const { dtype, shape, data } = await opened.read(name);
    all[name] = { dtype, shape: [...shape], data: Buffer.from(data).toString('hex') };
  }
  await opened.close();
  return all;
}

test.each(['state.bin', 'protocol-4.pt'])('%s holds what torch reads from it', async (name) => {
  expect(await contents(fixture(name))).toEqual(golden);
});

test('values come as fp32, tied and partial views from where they stand', async () => {
  const file = await openTorch(fixture('state.bin'));
  const values = async (name: string) => {
    const values: number[] = [];
    for await (const run of file.values(name)) values.push(...run);
    return values;
  };
  expect(await values('view')).toEqual([4, 5, 6, 7, 8, 9]);
  expect(await values('every.BF16')).toEqual([1, 0, 1, 1, 0]);
  expect(await values('tied.a')).toEqual(await values('tied.b'));
  expect(file.tensors.get('empty')).toMatchObject({ shape: [0, 4], byteLength: 0 });
  await expect(file.read('vew')).rejects.toMatchObject({ code: 'TENSOR_NOT_FOUND' });
  await expect(values('every.I64')).rejects.toMatchObject({ code: 'TENSOR_NOT_FLOAT' });
  await file.close();
});

test('tensors are read when they are asked for', async () => {
  const source = bufferSource(
    torchOf(pickleOf('}', string('a'), tensorOf({ count: 25000, shape: [25000] }), 's.'), {
      0: new Uint8Array(100_000),
    }),
  );
  const file = await openTorch(source);
  expect(source.asked).toBeLessThan(100_000);
  await file.read('a');
  expect(source.asked).toBeGreaterThan(100_000);
});

describe('a file in parts', () => {
  const bytes = readFileSync(fixture('state.bin'));
  const parts = (name: string, endings: readonly string[]) => {
    const file = path.join(scratch, name);
    const size = Math.ceil(bytes.length / endings.length);
    endings.forEach((ending, i) => writeFileSync(`${file}.${ending}`, bytes.subarray(i * size, (i + 1) * size)));
    return file;
  };

  test.each([[['aa', 'ab']], [['aa', 'ab', 'ac', 'ad', 'ae', 'af', 'ag']]])('%j is one', async (endings) => {
    expect(await contents(parts(`whole-${endings.length}.bin`, endings))).toEqual(golden);
  });

  test('that lacks one says which', async () => {
    const opening = openTorch(parts('gap.bin', ['aa', 'ac']));
    await expect(opening).rejects.toMatchObject({ code: 'FILE_PARTS' });
    await expect(opening).rejects.toThrow(/has the part \.ac but no \.ab/);
  });

  test('is passed over where the file itself is there', async () => {
    copyFileSync(fixture('state.bin'), parts('both.bin', ['ab']));
    expect(await contents(path.join(scratch, 'both.bin'))).toEqual(golden);
  });
});

test('archives in 64 bits, and with a comment, are the same', async () => {
  const entries = [
    { name: 'x/data.pkl', data: pickleOf('}', string('a'), tensorOf(), 's.') },
    { name: 'x/data/0', data: new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer) },
  ];
  for (const options of [{ zip64: true }, { comment: 'PK\x05\x06 and more' }]) {
    const file = await openTorch(bufferSource(zipOf(entries, options)));
    expect(new Float32Array((await file.read('a')).data.buffer)).toEqual(Float32Array.of(1, 2, 3, 4));
  }
});

test.each([
  ['legacy.bin', 'TORCH_LEGACY', /before version 1\.6.*torch\.save\(torch\.load/],
  ['transposed.bin', 'TORCH_TENSOR', /"a" is a view with strides \[1, 3\] of shape \[3, 2\]; save it by rows/],
  ['checkpoint.bin', 'TORCH_TENSOR', /entry "epoch" is a number; expected tensors alone/],
  ['module.bin', 'TORCH_PICKLE', /asks for "torch\.nn\.modules\.linear\.Linear", which no state dict needs/],
  ['state.json', 'TORCH_ZIP', /no zip archive/],
  ['nowhere.bin', 'FILE_NOT_FOUND', /does not exist/],
])('%s is refused: %s', async (name, code, message) => {
  const opening = openTorch(fixture(name));
  await expect(opening).rejects.toMatchObject({ code });
  await expect(opening).rejects.toThrow(message);
});
