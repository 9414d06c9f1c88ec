import fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { writeFileAtomic } from './replace-file.js';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await fs.mkdtemp(join(tmpdir(), 'loran-formats-'));
  path = join(folder, 'run.json');
});
afterEach(async () => {
  vi.restoreAllMocks();
  await fs.rm(folder, { recursive: true });
});

/** From now on, one call of an opened file fails as the operating system would make it fail. */
function failing(call: 'write' | 'sync' | 'close', code: string): void {
  const open = fs.open;
  vi.spyOn(fs, 'open').mockImplementation(async (...args) => {
    const handle = await open(...args);
    const real = handle[call].bind(handle) as (...given: unknown[]) => Promise<unknown>;
    let calls = 0;
    const fails = async (...given: unknown[]) => {
      if (call === 'write' && calls++ === 0) {
        const [bytes, offset, length] = given as [Uint8Array, number, number];
        return real(bytes, offset, length >> 1); // a disk that fills up: half is taken first
      }
      if (call === 'close') await real();
      throw Object.assign(new Error(`${code}: injected`), { code });
    };
    return Object.assign(handle, { [call]: fails });
  });
}

test('writes text as UTF-8 and bytes as they are, over what was there', async () => {
  await writeFileAtomic(path, '{"é":1}');
  expect(await fs.readFile(path, 'utf8')).toBe('{"é":1}');
  await writeFileAtomic(path, new Uint8Array([1, 2, 3]));
  expect([...(await fs.readFile(path))]).toEqual([1, 2, 3]);
  expect(await fs.readdir(folder)).toEqual(['run.json']);
});

test.each([
  ['write', 'ENOSPC', /ENOSPC.*the disk is full, so free some space.*unchanged/],
  ['sync', 'EIO', /EIO.*unchanged/],
  ['close', 'EDQUOT', /EDQUOT.*quota/],
] as const)('a %s that fails with %s leaves the old file whole and no other', async (call, code, says) => {
  await writeFileAtomic(path, 'old');
  failing(call, code);
  const writing = writeFileAtomic(path, 'new and longer');
  await expect(writing).rejects.toMatchObject({ code: 'WRITE_FAILED', file: path });
  await expect(writing).rejects.toThrow(says);
  expect(await fs.readFile(path, 'utf8')).toBe('old');
  expect(await fs.readdir(folder)).toEqual(['run.json']);
});

test('short writes of the system are continued', async () => {
  const open = fs.open;
  vi.spyOn(fs, 'open').mockImplementation(async (...args) => {
    const handle = await open(...args);
    const whole = handle.write.bind(handle) as (bytes: Uint8Array, offset: number, length: number) => Promise<unknown>;
    const short = (bytes: Uint8Array, offset: number, length: number) => whole(bytes, offset, Math.min(length, 3));
    return Object.assign(handle, { write: short });
  });
  await writeFileAtomic(path, 'twelve bytes');
  expect(await fs.readFile(path, 'utf8')).toBe('twelve bytes');
});

test('a rename that fails removes the temporary file', async () => {
  await fs.mkdir(path);
  await expect(writeFileAtomic(path, 'new')).rejects.toMatchObject({ code: 'WRITE_FAILED' });
  expect(await fs.readdir(folder)).toEqual(['run.json']);
});

test('a folder that does not exist is named as the reason', async () => {
  await expect(writeFileAtomic(join(folder, 'absent', 'run.json'), 'x')).rejects.toThrow(/its folder does not exist/);
});

test('two writers at once: one of them wins, whole', async () => {
  const texts = ['a'.repeat(100_000), 'b'.repeat(50_000)];
  await Promise.all(texts.map((text) => writeFileAtomic(path, text)));
  expect(texts).toContain(await fs.readFile(path, 'utf8'));
  expect(await fs.readdir(folder)).toEqual(['run.json']);
});
