/** The example, on a few texts and for twelve steps an arm: enough for the arms to differ. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compareActivations } from './main.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'loran-snake-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('an activation defined in the script trains beside the shipped ones', { timeout: 300_000 }, async () => {
  const file = path.join(folder, 'texts.jsonl');
  const rows = Array.from({ length: 40 }, (_, i) => ({
    text: i % 2 ? 'win money now' : 'see you at lunch',
    label: i % 2 ? 'spam' : 'ham',
  }));
  await writeFile(file, rows.map((row) => JSON.stringify(row)).join('\n'));
  const report = await compareActivations({ steps: 12, data: { train: file, test: file } });
  const [identity, sinter, snake] = report.arms.map(({ runs }) => runs[0]);
  expect(report.arms.map(({ arm }) => arm)).toEqual(['identity', 'sinter', 'snake']);
  expect(sinter?.parameters.trainable).toBe(identity?.parameters.trainable);
  expect(snake?.parameters.trainable).toBe((identity?.parameters.trainable ?? 0) + 12); // one `a` for each adapted module
  expect(snake?.loss).not.toBe(identity?.loss);
});
