import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { LoranError, Registry } from '@loran/plugin';
import { stringify } from './__fixtures__/csv-text.js';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { builtInReaders, readerFor, type DatasetReader, type Row } from './dataset-reader.js';
import { delimitedReader } from './delimited.js';

const folder = mkdtempSync(join(tmpdir(), 'loran-readers-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function rows(path: string, reader: DatasetReader = readerFor(path)): Promise<Row[]> {
  const found: Row[] = [];
  for await (const row of reader.rows(path)) found.push(row);
  return found;
}

describe('JSON Lines', () => {
  test('reads objects, with CRLF, blank lines, a byte order mark and gzip', async () => {
    const expected = [
      { line: 1, fields: { a: 1 } },
      { line: 4, fields: { a: [true, null], b: 'é' } },
    ];
    const text = '\ufeff{"a":1}\r\n\r\n   \n {"a":[true,null],"b":"é"} ';
    expect(await rows(file('a.jsonl', text))).toEqual(expected);
    expect(await rows(file('a.JSONL.gz', gzipSync(text)))).toEqual(expected);
  });

  test('any JSON object comes back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { maxLength: 5 }), async (objects) => {
        const path = file('any.jsonl', objects.map((object) => JSON.stringify(object)).join('\n'));
        expect((await rows(path)).map(({ fields }) => fields)).toEqual(
          objects.map((object) => JSON.parse(JSON.stringify(object)) as unknown),
        );
      }),
      { numRuns: 50 },
    );
  });

  test.each([
    [
      '{"a": 1',
      /bad\.jsonl:2: malformed JSON in "\{"a": 1" \(.*\)\. Expected one JSON object.*Correct the line or remove it\./,
    ],
    ['"text"', /the line is "text", not an object/],
    ['3', /the line is 3, not an object/],
    ['[{"a":1},', /jq -c "\.\[\]" old > new/],
    ['[1]', /the line is an array, not an object/],
    ['{', /An object spread over several lines becomes one line/],
    ['null', /the line is null, not an object/],
  ])('%s is malformed', async (line, message) => {
    const reading = rows(file('bad.jsonl', `{"a":1}\n${line}\n`));
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.toMatchObject({ code: 'DATASET_MALFORMED_JSON', line: 2 });
  });
});

describe('CSV', () => {
  test('reads quotes, delimiters and newlines in fields; rows have the line they start on', async () => {
    const text = '\ufefftext, label\r\n"a, ""b""",1\n\n"two\r\nlines\n",2\r\n\r\n,3';
    expect(await rows(file('a.csv', text))).toEqual([
      { line: 2, fields: { text: 'a, "b"', label: '1' } },
      { line: 4, fields: { text: 'two\r\nlines\n', label: '2' } },
      { line: 8, fields: { text: '', label: '3' } },
    ]);
    expect(await rows(file('a.csv.gz', gzipSync(text)))).toHaveLength(3);
  });

  test('any table comes back', async () => {
    const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', 'é', '🙂'), maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 6 }), async (table) => {
        const path = file('any.csv', stringify([['x', 'y'], ...table]));
        expect((await rows(path)).map(({ fields }) => [fields['x'], fields['y']])).toEqual(table);
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    ['too many fields', 'text,label\na,1\nb,2,3\n', /bad\.csv:3: the row has 3 fields\. Expected 2: 'text', 'label'/],
    ['too few fields', 'text,label\n\n"a\nb",1\nb\n', /bad\.csv:5: the row has 1 fields\. Expected 2/],
    [
      'a quote never closed',
      'text,label\na,1\n"b,2\nc,3\n',
      /bad\.csv:3: a quote opens in the row that starts here and is never closed/,
    ],
    ['a quote within a field', 'text,label\nsay "yes",1\n', /bad\.csv:2: malformed row/],
    ['text after a quote', 'text,label\n"yes"no,1\n', /bad\.csv:2: malformed row/],
    ['a repeated header', 'text,label,text\na,1,b\n', /bad\.csv:1: the header names 'text' more than once/],
    ['semicolons', 'text;label\na;1\n', /bad\.csv:1: the header is one field, "text;label"\. .*separated by ";"/],
  ])('%s is malformed', async (_, text, message) => {
    const reading = rows(file('bad.csv', text));
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.toMatchObject({ code: 'DATASET_MALFORMED_TABLE' });
  });

  test('a file that is not UTF-8 names the line', async () => {
    await expect(rows(file('latin.csv', Buffer.from('text,label\ncaf\xe9,1\n', 'latin1')))).rejects.toMatchObject({
      code: 'DATASET_ENCODING',
      line: 2,
    });
  });

  test('streams: the first rows of a large file come before the rest is read', async () => {
    const path = file('large.csv', `text,label\n${'some text,1\n'.repeat(500_000)}`);
    const before = process.memoryUsage().rss;
    let seen = 0;
    for await (const row of readerFor(path).rows(path)) if (++seen === 1000 && row.line === 1001) break;
    expect(seen).toBe(1000);
    expect(process.memoryUsage().rss - before).toBeLessThan(100e6);
  });
});

describe('TSV', () => {
  test('a quote is an ordinary character', async () => {
    expect(await rows(file('a.tsv', 'text\tlabel\n"so-called\t1\nsay "yes"\t0\n'))).toEqual([
      { line: 2, fields: { text: '"so-called', label: '1' } },
      { line: 3, fields: { text: 'say "yes"', label: '0' } },
    ]);
  });

  test('a tab too many is malformed', async () => {
    await expect(rows(file('bad.tsv', 'text\tlabel\na\tb\t1\n'))).rejects.toThrow(/bad\.tsv:2: the row has 3 fields/);
  });
});

test('a table without a header, in a format of one’s own', async () => {
  const reader = delimitedReader({
    name: 'bars',
    extensions: ['.bars'],
    delimiter: '|',
    quote: false,
    columns: ['text', 'label'],
  });
  const path = file('a.bars', '\na|1\n');
  expect(await rows(path, readerFor(path, builtInReaders().add(reader)))).toEqual([
    { line: 2, fields: { text: 'a', label: '1' } },
  ]);
});

test('any bytes are read or refused with a LoranError', async () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.string({ unit: fc.constantFrom('{', '}', '"', ',', '\n', '\t', ':', 'a'), maxLength: 60 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('.jsonl', '.csv', '.tsv', '.jsonl.gz'), bytes, async (extension, content) => {
      const path = file(`fuzz${extension}`, content);
      await rows(path).catch((error: unknown) => expect(LoranError.is(error), String(error)).toBe(true));
    }),
    { numRuns: 300 },
  );
});

test('the longest extension decides, and an unknown one lists the known', () => {
  const reader = (name: string, extensions: string[]): DatasetReader => ({ ...readerFor('a.csv'), name, extensions });
  const readers = new Registry<DatasetReader>('dataset-reader', [
    reader('short', ['.json']),
    reader('long', ['.chat.json']),
  ]);
  expect(readerFor('mails.chat.json', readers).name).toBe('long');
  expect(readerFor('mails.JSON', readers).name).toBe('short');
  expect(() => readerFor('mails.parquet', readers)).toThrow(
    /mails\.parquet: no dataset reader knows this kind of file\. Expected a name that ends in \.json, \.chat\.json/,
  );
});
