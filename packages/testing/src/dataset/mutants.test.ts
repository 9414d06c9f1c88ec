/** The laws of datasets and readers, each tried on one that breaks it. */
import { LoranError } from '@loran/plugin';
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { datasetLaws, describeDataset, type DatasetLike } from './describe-dataset.js';
import { describeReader, readerLaws, type ReaderLike } from './describe-reader.js';

const letters = (): DatasetLike => ({
  name: 'letters',
  size: 3,
  async *examples() {
    yield* await Promise.resolve(['a', 'b', 'c']);
  },
});
describeDataset('letters', letters, { examples: ['a', 'b', 'c'] });

let readings = 0;
const once = letters().examples();
let position = 0;

const datasets: readonly { name: string; open: () => DatasetLike; breaks: string }[] = [
  {
    name: 'a size of one too many',
    open: () => ({ ...letters(), size: 4 }),
    breaks: 'has a name, and as many examples as it says',
  },
  {
    name: 'other letters',
    open: () => ({
      name: 'others',
      async *examples() {
        yield* await Promise.resolve(['x']);
      },
    }),
    breaks: 'gives what it should',
  },
  {
    name: 'a count of readings',
    open: () => ({
      name: 'count',
      async *examples() {
        yield await Promise.resolve(readings++);
      },
    }),
    breaks: 'gives the same examples at every reading',
  },
  {
    name: 'a stream that is used up',
    open: () => ({ name: 'once', examples: () => once }),
    breaks: 'starts again after a reading that was stopped',
  },
  {
    name: 'a position that readings share',
    open: () => ({
      name: 'shared',
      async *examples() {
        for (position = 0; position < 3; position++) yield await Promise.resolve('abc'[position]);
      },
    }),
    breaks: 'can be read twice at the same time',
  },
];

test.each(datasets)('$name breaks: $breaks', async ({ open, breaks }) => {
  const subject = { open, examples: ['a', 'b', 'c'] };
  await expect(Promise.resolve(subject).then(datasetLaws[breaks])).rejects.toThrow();
});

test('every law of datasets is broken by some mutant', () => {
  expect(Object.keys(datasetLaws).sort()).toEqual(datasets.map(({ breaks }) => breaks).sort());
});

/** Numbers, one a line. */
const numbers: ReaderLike = {
  kind: 'dataset-reader',
  name: 'numbers',
  package: null,
  version: null,
  extensions: ['.num'],
  async *rows(file) {
    const text = await readFile(file, 'utf8').catch((cause: unknown) => {
      throw new LoranError('UNREADABLE', `${file} cannot be read.`, { cause });
    });
    for (const [i, line] of text.split('\n').entries()) {
      if (Number.isNaN(Number(line))) throw new LoranError('MALFORMED', `${file}:${i + 1}: '${line}' is no number.`);
      yield { line: i + 1, fields: { value: Number(line) } };
    }
  },
};
const files = { 'good.num': { content: '7\n8', rows: [{ value: 7 }, { value: 8 }] } };
const malformed = { 'bad.num': { content: '7\nseven', line: 2 } };
describeReader(numbers, { files, malformed });

const changed = (change: (row: { line: number; fields: object }) => { line: number; fields: object }): ReaderLike => ({
  ...numbers,
  async *rows(file) {
    for await (const row of numbers.rows(file)) yield change(row) as never;
  },
});
let opened = 0;

const readers: readonly { name: string; reader: ReaderLike; breaks: string }[] = [
  {
    name: 'an extension without a dot',
    reader: { ...numbers, extensions: ['num'] },
    breaks: 'says what it is and which files it reads',
  },
  {
    name: 'a line that stands still',
    reader: changed((row) => ({ ...row, line: 1 })),
    breaks: 'reads the rows in order, with the place of each',
  },
  {
    name: 'other values',
    reader: changed(({ line }) => ({ line, fields: { value: 0 } })),
    breaks: 'reads the rows in order, with the place of each',
  },
  {
    name: 'a reader that works once',
    reader: {
      ...numbers,
      async *rows(file) {
        if (opened++ === 0) yield* numbers.rows(file);
      },
    },
    breaks: 'lets go of the file when the reading is stopped',
  },
  {
    name: 'silence where no file is',
    reader: {
      ...numbers,
      async *rows(file) {
        yield* await readFile(file).then(
          () => [],
          () => [],
        );
      },
    },
    breaks: 'refuses a file that is not there, naming it',
  },
  {
    name: 'a bare error',
    reader: {
      ...numbers,
      async *rows(file) {
        try {
          yield* numbers.rows(file);
        } catch {
          throw new Error(`${file}:2`);
        }
      },
    },
    breaks: 'refuses a malformed file, naming it and the line',
  },
];

describe.each(readers)('$name', ({ reader, breaks }) => {
  test(`breaks: ${breaks}`, async () => {
    await expect(Promise.resolve({ reader, files, malformed }).then(readerLaws[breaks])).rejects.toThrow();
  });
});

test('every law of readers is broken by some mutant', () => {
  expect(Object.keys(readerLaws).sort()).toEqual([...new Set(readers.map(({ breaks }) => breaks))].sort());
});
