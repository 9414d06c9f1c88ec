import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from '@loran/plugin';
import { testData } from '@loran/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { collect } from './dataset.js';
import type { DatasetReader } from './dataset-reader.js';
import { LabelMap } from './label-map.js';
import { readTextClassification } from './text-classification.js';

const folder = mkdtempSync(join(tmpdir(), 'loran-classification-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(rows: readonly unknown[], name = 'a.jsonl'): string {
  const path = join(folder, name);
  writeFileSync(path, rows.map((row) => JSON.stringify(row)).join('\n'));
  return path;
}

test('reads texts and labels, with an id where there is one', async () => {
  const dataset = await readTextClassification(
    file([
      { text: 'a', label: 'spam' },
      { id: 7, text: 'b', label: 'ham', more: [] },
    ]),
  );
  expect(dataset.items).toEqual([
    { text: 'a', label: 'spam' },
    { id: '7', text: 'b', label: 'ham' },
  ]);
  expect(dataset.size).toBe(2);
  expect(dataset.labels.labels).toEqual(['ham', 'spam']);
  expect(await collect(dataset)).toEqual(dataset.items);
});

test('labels may be numbers and booleans; numbers sort as numbers', async () => {
  const numbers = await readTextClassification(file([10, 9, -1, '2', 9].map((label) => ({ text: '', label }))));
  expect(numbers.labels.labels).toEqual(['-1', '2', '9', '10']);
  const mixed = await readTextClassification(file([true, false, 'b', 10, 9].map((label) => ({ text: '', label }))));
  expect(mixed.labels.labels).toEqual(['10', '9', 'b', 'false', 'true']);
});

test('other fields by name, from CSV too', async () => {
  const path = join(folder, 'a.csv');
  writeFileSync(path, 'key,body,folder\n1,hello, work \n');
  const dataset = await readTextClassification(path, { textField: 'body', labelField: 'folder', idField: 'key' });
  expect(dataset.items).toEqual([{ id: '1', text: 'hello', label: 'work' }]);
});

test('label names come from a second field, which must agree with itself', async () => {
  const rows = [
    { text: '', label: 10, label_text: 'rec.autos' },
    { text: '', label: 2, label_text: 'comp.graphics' },
    { text: '', label: 10, label_text: 'rec.autos' },
  ];
  const { labels } = await readTextClassification(file(rows), { labelNameField: 'label_text' });
  expect(labels.labels).toEqual(['2', '10']);
  expect(labels.names).toEqual(['comp.graphics', 'rec.autos']);
  const bad = file([...rows, { text: '', label: 2, label_text: 'rec.autos' }]);
  await expect(readTextClassification(bad, { labelNameField: 'label_text' })).rejects.toThrow(
    /a\.jsonl:4: the label '2' is called 'rec\.autos' here and 'comp\.graphics' before/,
  );
});

describe('errors name file, line and field', () => {
  const good = { text: 'a', label: 'x' };
  test.each([
    [
      { txt: 'a', label: 'x' },
      'DATASET_MISSING_FIELD',
      "the field 'text' is missing; the row has 'txt', 'label'. If 'txt' is meant, set textField to it.",
    ],
    [
      { text: 'a' },
      'DATASET_MISSING_FIELD',
      "the field 'label' is missing; the row has 'text'. Another field can be named with labelField.",
    ],
    [{}, 'DATASET_MISSING_FIELD', "the field 'text' is missing; the row has none."],
    [{ text: 3, label: 'x' }, 'DATASET_WRONG_TYPE', "the field 'text' is a number. Expected a string."],
    [{ text: null, label: 'x' }, 'DATASET_WRONG_TYPE', "the field 'text' is null. Expected a string."],
    [
      { text: 'a', label: ['x'] },
      'DATASET_WRONG_TYPE',
      "the field 'label' is an array. Expected a string, a number or true/false.",
    ],
    [{ text: 'a', label: { x: 1 } }, 'DATASET_WRONG_TYPE', "the field 'label' is an object."],
    [{ text: 'a', label: null }, 'DATASET_WRONG_TYPE', "the field 'label' is null."],
    [{ text: 'a', label: '  ' }, 'DATASET_WRONG_TYPE', "the field 'label' is empty. Expected a label."],
  ])('%j', async (row, code, message) => {
    const path = file([good, row]);
    const reading = readTextClassification(path);
    await expect(reading).rejects.toThrow(`${path}:2: ${message}`);
    await expect(reading).rejects.toMatchObject({ code, file: path, line: 2 });
  });

  test('a field inherited by every object is still missing', async () => {
    await expect(readTextClassification(file([{ text: 'a' }]), { labelField: 'constructor' })).rejects.toMatchObject({
      code: 'DATASET_MISSING_FIELD',
    });
  });

  test('an empty dataset', async () => {
    await expect(readTextClassification(file([]))).rejects.toMatchObject({ code: 'DATASET_EMPTY' });
    const path = join(folder, 'header.csv');
    writeFileSync(path, 'text,label\n');
    await expect(readTextClassification(path)).rejects.toThrow(/header\.csv: the file has no examples/);
  });

  test('labels unseen in training, each with its first line', async () => {
    const labels = new LabelMap(['ham', 'spam']);
    const path = file(['ham', 'phish', 'spam', 'phish', 'junk'].map((label) => ({ text: '', label })));
    await expect(readTextClassification(path, { labels })).rejects.toThrow(
      `${path}:2: labels that were not trained on: 'phish' (first in line 2), 'junk' (first in line 5). Expected only 'ham', 'spam'.`,
    );
  });
});

test('with the labels trained on, indices stay the same although the file has fewer', async () => {
  const labels = new LabelMap(['ham', 'spam']);
  expect((await readTextClassification(file([{ text: '', label: 'spam' }]), { labels })).labels.index('spam')).toBe(1);
});

test('a format of one’s own, by its extension', async () => {
  const reader: DatasetReader = {
    kind: 'dataset-reader',
    name: 'memory',
    package: null,
    version: null,
    extensions: ['.memory'],
    async *rows() {
      yield { line: 1, fields: { text: 'a', label: 1 } };
    },
  };
  const readers = new Registry<DatasetReader>('dataset-reader', [reader]);
  expect((await readTextClassification('x.memory', { readers })).items).toEqual([{ text: 'a', label: '1' }]);
});

test('a label map answers both ways, and says what it knows', () => {
  const labels = new LabelMap(['b', 'a', 'b']);
  expect([labels.size, labels.index('b'), labels.label(0), labels.has('c')]).toEqual([2, 1, 'a', false]);
  expect(() => new LabelMap(['ham', 'spam']).index('spom')).toThrow(
    "the label 'spom' is unknown. Expected one of 'ham', 'spam'. The nearest is 'spam'.",
  );
  expect(() => labels.label(2)).toThrow('there is no class 2. Expected 0 to 1.');
});

test('20 Newsgroups, as published: 11,314 posts in 20 groups', async (context) => {
  const path = testData('data/20news/20news-bydate-train.jsonl.gz');
  if (path === undefined) return context.skip('LORAN_TEST_DATA is not set');
  const { items, labels } = await readTextClassification(path, { labelNameField: 'label_text' });
  expect(items).toHaveLength(11_314);
  expect(labels.labels).toEqual(Array.from({ length: 20 }, (_, index) => String(index)));
  expect(labels.names.slice(0, 2)).toEqual(['alt.atheism', 'comp.graphics']);
  expect(items[0]!.id).toBe('alt.atheism/49960');
});
