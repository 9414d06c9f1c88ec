import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { builtInReaders, type DatasetPlugin, inMemory } from '@loran/datasets';
import { Registry } from '@loran/plugin';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dataOptions } from './options.js';
import { loadTextData } from './text-data.js';

const mails: DatasetPlugin = {
  kind: 'dataset',
  name: 'mails',
  package: null,
  version: null,
  splits: ['train', 'test'],
  open: (split) =>
    Promise.resolve(
      inMemory(
        split,
        split === 'train'
          ? [
              { text: 'a', label: 'x' },
              { text: 'b', label: 'y' },
            ]
          : [{ text: 'c', label: 'y' }],
      ),
    ),
};
const sources = { readers: builtInReaders(), datasets: new Registry<DatasetPlugin>('dataset', [mails]) };
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'loran-data-'));
});
afterAll(() => rm(folder, { recursive: true }));

const file = async (name: string, rows: readonly object[]) => {
  const target = path.join(folder, name);
  await writeFile(target, rows.map((row) => JSON.stringify(row)).join('\n'));
  return target;
};
const load = (options: object) => loadTextData(dataOptions.parse(options), sources);

test('a dataset plugin brings its own test split', async () => {
  const data = await load({ train: 'mails' });
  expect(data.train.map(({ text }) => text)).toEqual(['a', 'b']);
  expect(data.test.map(({ text }) => text)).toEqual(['c']);
});

test('other fields can hold the text and the label', async () => {
  const train = await file('fields.jsonl', [
    { body: 'a', kind: 1 },
    { body: 'b', kind: 0 },
  ]);
  const data = await load({ train, textField: 'body', labelField: 'kind', testShare: 0 });
  expect(data.labels.labels).toEqual(['0', '1']);
  expect(data.test).toEqual([]);
});

test('the held-out part has every class in proportion, and nothing of the training part', async () => {
  const rows = Array.from({ length: 40 }, (_, i) => ({ text: `t${i}`, label: i % 4 === 0 ? 'rare' : 'common' }));
  const { train, test } = await load({ train: await file('held-out.jsonl', rows), testShare: 0.2 });
  expect(test).toHaveLength(8);
  expect(test.filter(({ label }) => label === 'rare')).toHaveLength(2);
  expect(train.map(({ text }) => text).filter((text) => test.some((other) => other.text === text))).toEqual([]);
});

test('one example cannot be divided, and a test label must have been trained on', async () => {
  const one = await file('one.jsonl', [{ text: 'a', label: 'x' }]);
  await expect(load({ train: one })).rejects.toMatchObject({ code: 'TOO_FEW_EXAMPLES' });
  const other = await file('other.jsonl', [{ text: 'a', label: 'z' }]);
  await expect(load({ train: one, test: other })).rejects.toThrow(/'z' \(first in line 1\)/);
});
