import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { readLines, type TextLine } from './read-lines.js';

const folder = mkdtempSync(join(tmpdir(), 'loran-lines-'));
afterAll(() => rmSync(folder, { recursive: true }));
let count = 0;

function file(content: string | Uint8Array, name = `${count++}.txt`): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function all(path: string, options?: { limit: number }): Promise<TextLine[]> {
  const lines: TextLine[] = [];
  for await (const line of readLines(path, options)) lines.push(line);
  return lines;
}

test('numbers the lines from 1, keeps blank ones, and needs no newline at the end', async () => {
  expect(await all(file('a\n\nb\r\nc'))).toEqual([
    { text: 'a', line: 1 },
    { text: '', line: 2 },
    { text: 'b\r', line: 3 },
    { text: 'c', line: 4 },
  ]);
  expect(await all(file('a\n'))).toEqual([{ text: 'a', line: 1 }]);
  expect(await all(file(''))).toEqual([]);
});

test('takes off a byte order mark, at the start only', async () => {
  expect((await all(file('\ufeffa\n\ufeffb'))).map(({ text }) => text)).toEqual(['a', '\ufeffb']);
});

test('gives back any text, whatever the block and character boundaries', async () => {
  const long = fc
    .string({ unit: 'binary', maxLength: 20 })
    .map((text) => text.replaceAll('\n', '') + 'é漢🙂'.repeat(40_000));
  await fc.assert(
    fc.asyncProperty(fc.array(long, { minLength: 1, maxLength: 3 }), async (texts) => {
      const lines = texts.map((text) =>
        Buffer.from(text)
          .toString()
          .replace(/^\ufeff/, ''),
      );
      expect((await all(file(lines.join('\n'), 'any.txt'))).map(({ text }) => text)).toEqual(lines);
    }),
    { numRuns: 10 },
  );
});

test('a line of 40 MB arrives whole, in time proportional to its length', async () => {
  const lines = await all(file(Buffer.concat([Buffer.alloc(40_000_000, 0x61), Buffer.from('\nb')])));
  expect(lines.map(({ text }) => text.length)).toEqual([40_000_000, 1]);
});

test('refuses a line above the limit before it is in memory', async () => {
  const path = file(`ok\n${'x'.repeat(1_000_000)}`);
  await expect(all(path, { limit: 300_000 })).rejects.toThrow(
    `${path}:2: the line is longer than 300000 bytes. Expected one example a line.`,
  );
  await expect(all(path, { limit: 999_999 })).rejects.toMatchObject({ code: 'DATASET_LINE_TOO_LONG', line: 2 });
  expect(await all(path, { limit: 1_000_000 })).toHaveLength(2);
});

test('reads gzip by content, whatever the name, and several members in a row', async () => {
  const path = file(Buffer.concat([gzipSync('a\nb'), gzipSync('c\n')]), 'no-ending');
  expect((await all(path)).map(({ text }) => text)).toEqual(['a', 'bc']);
  expect((await all(file('plain\n', 'plain.gz'))).map(({ text }) => text)).toEqual(['plain']);
});

test('a truncated gzip file gives its lines and then says where it ends', async () => {
  const text = Array.from({ length: 200_000 }, (_, index) => `line ${index * 7919}`).join('\n');
  const path = file(gzipSync(text).subarray(0, 400_000));
  const seen: number[] = [];
  const reading = (async () => {
    for await (const { line } of readLines(path)) seen.push(line);
  })();
  await expect(reading).rejects.toMatchObject({ code: 'DATASET_TRUNCATED', file: path });
  await expect(reading).rejects.toMatchObject({ line: seen.length + 1 });
  expect(seen.length).toBeGreaterThan(1000);
});

test('damaged gzip data are named as such', async () => {
  const bytes = gzipSync('text '.repeat(10_000));
  bytes.fill(0xff, 20, 40);
  await expect(all(file(bytes))).rejects.toThrow(/gzip data are damaged here/);
});

test('bytes that are not UTF-8 give line, column and a way out', async () => {
  const path = file(Buffer.from('ok\ncaf\xe9 au lait', 'latin1'));
  await expect(all(path)).rejects.toThrow(
    `${path}:2: byte 0xe9 at column 4 is not UTF-8. Expected UTF-8. Convert the file first, for example: iconv -f WINDOWS-1252 -t UTF-8 old > new.`,
  );
  await expect(all(file(Buffer.from('aé').subarray(0, 2)))).rejects.toThrow(/:1: byte 0xc3 at column 2 is not UTF-8/);
  await expect(all(file(Buffer.from('\ufeffa\n', 'utf16le')))).rejects.toThrow(/the file is UTF-16/);
});

test('a missing file and a folder are told apart', async () => {
  await expect(all(join(folder, 'absent.jsonl'))).rejects.toThrow(/absent\.jsonl: no such file/);
  await expect(all(folder)).rejects.toThrow(/this is a folder/);
});

test('a reader that stops early closes the file', async () => {
  const path = file('a\n'.repeat(1_000_000));
  for await (const { line } of readLines(path)) if (line === 3) break;
  rmSync(path);
});
