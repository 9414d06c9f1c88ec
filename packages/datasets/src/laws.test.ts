import { gzipSync } from 'node:zlib';
import { describeDataset, describeReader } from '@loran/testing';
import { inMemory, shuffle, take } from './dataset.js';
import { csvReader, delimitedReader, tsvReader } from './delimited.js';
import { jsonLinesReader } from './json-lines.js';

const numbers = inMemory('numbers', [3, 1, 4, 1, 5, 9]);
describeDataset('in memory', () => numbers, { examples: [3, 1, 4, 1, 5, 9] });
describeDataset('the first few', () => take(numbers, 3), { examples: [3, 1, 4] });
describeDataset('shuffled', () => shuffle(numbers, { seed: 7, epoch: 2 }));

const truncated = gzipSync(Array.from({ length: 10_000 }, (_, i) => `{"a":${i * 7919}}`).join('\n')).subarray(
  0,
  20_000,
);
describeReader(jsonLinesReader, {
  files: {
    'a.jsonl': { content: '{"a":1}\n\n{"a":[2],"b":"é"}\r\n', rows: [{ a: 1 }, { a: [2], b: 'é' }] },
    'a.jsonl.gz': { content: gzipSync('{"a":1}\n{"a":2}'), rows: [{ a: 1 }, { a: 2 }] },
  },
  malformed: {
    'bad.jsonl': { content: '{"a":1}\n\n{"a":\n', line: 3 },
    'latin.jsonl': { content: Buffer.from('{"a":1}\n{"a":"\xe9"}\n', 'latin1'), line: 2 },
    'truncated.jsonl.gz': { content: truncated },
  },
});
describeReader(csvReader, {
  files: {
    'a.csv': {
      content: 'text,label\r\n"two\r\nlines",1\r\n\r\n"a, ""b""",2',
      rows: [
        { text: 'two\r\nlines', label: '1' },
        { text: 'a, "b"', label: '2' },
      ],
    },
    'a.csv.gz': { content: gzipSync('text\nx\n'), rows: [{ text: 'x' }] },
  },
  malformed: {
    'wide.csv': { content: 'text,label\n"a\nb",1\nb,2,3\n', line: 4 },
    'open.csv': { content: 'text,label\na,1\n"b,2\nc,3\n', line: 3 },
  },
});
describeReader(tsvReader, {
  files: { 'a.tsv': { content: 'text\tlabel\n"so-called\t1\n', rows: [{ text: '"so-called', label: '1' }] } },
  malformed: { 'wide.tsv': { content: 'text\tlabel\na\tb\t1\n', line: 2 } },
});
describeReader(
  delimitedReader({ name: 'bars', extensions: ['.bars'], delimiter: '|', quote: false, columns: ['text', 'label'] }),
  {
    files: { 'a.bars': { content: 'a|1', rows: [{ text: 'a', label: '1' }] } },
    malformed: { 'b.bars': { content: 'a|1\nb\n', line: 2 } },
  },
);
