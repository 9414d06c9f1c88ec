import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readTextClassification, type TextClassificationDataset } from '@loran/datasets';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mails } from './mails.js';

describe('the e-mails', () => {
  let root: string;
  let train: TextClassificationDataset;
  let test_: TextClassificationDataset;

  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'loran-mails-'));
    const files = await mails(root);
    train = await readTextClassification(files.train);
    test_ = await readTextClassification(files.test, { labels: train.labels });
  }, 300_000);
  afterAll(() => rmSync(root, { recursive: true }));

  test('are 2,000 to train on and 500 to test on, with spam in both', () => {
    expect([train.size, test_.size]).toEqual([2000, 500]);
    expect(train.labels.labels).toEqual(['ham', 'spam']);
    for (const { items } of [train, test_]) {
      const spam = items.filter(({ label }) => label === 'spam').length / items.length;
      expect(spam).toBeGreaterThan(0.2);
      expect(spam).toBeLessThan(0.4);
    }
  });

  test('come once: no mail is in both parts, and none begins like another', () => {
    const all = [...train.items, ...test_.items];
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    const beginnings = all.map(({ text }) =>
      text
        .toLowerCase()
        .replace(/[^a-z]/g, '')
        .slice(0, 150),
    );
    expect(new Set(beginnings).size).toBe(all.length);
  });

  test('are the same on every machine', () => {
    expect(test_.items.slice(0, 3).map(({ id }) => id)).toEqual([
      'easy-ham-1/01112',
      'spam-2/00515',
      'easy-ham-1/02050',
    ]);
  });

  test('tell nothing of the headers or of the encoding', () => {
    const all = [...train.items, ...test_.items];
    expect(all.filter(({ text }) => /^(received|return-path|delivered-to):/i.test(text))).toEqual([]);
    expect(all.filter(({ text }) => text.includes('=20')).length / all.length).toBeLessThan(0.01);
    expect(all.filter(({ text }) => /<\/?(td|font|html)\b/i.test(text)).length / all.length).toBeLessThan(0.01);
  });
});
