/** What a user sees while a command works: on a terminal whose clock runs a second between two looks at it. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { folderWithLlama } from './__fixtures__/tiny-models.js';
import { main } from './main.js';

let folder: string;
let model: string;
let pairs: string;
beforeAll(async () => {
  ({ folder, model } = await folderWithLlama('progress'));
  pairs = path.join(folder, 'pairs.jsonl');
  const rows = Array.from({ length: 6 }, (_, i) => JSON.stringify({ prompt: `${i}+1=`, completion: `${i + 1}` }));
  await writeFile(pairs, rows.join('\n'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs on one screen that takes both streams, and gives what was written and what stands there in the end. */
async function seen(...args: string[]) {
  let screen = '';
  let out = '';
  let time = 0;
  const stream = (see: (text: string) => void) =>
    Object.assign(
      new Writable({
        write(chunk: Buffer, _, done) {
          see(chunk.toString());
          done();
        },
      }),
      { isTTY: true, columns: 100 },
    );
  const exitCode = await main([...args, '--device', 'cpu'], {
    out: stream((text) => {
      screen += text;
      out += text;
    }),
    err: stream((text) => (screen += text)),
    now: () => (time += 1000),
  });
  const lines = screen.split('\n').map((line) => line.slice(line.lastIndexOf('\u001b[K') + 1).replace(/^\[K/, ''));
  return { exitCode, out, screen, lines: lines.filter((line) => line !== '') };
}

const firstWords = (lines: readonly string[]) => lines.map((line) => line.split(' ')[0]);

test('training shows its phases in order, each with a line that stays', async () => {
  const { exitCode, lines, screen } = await seen(
    ...[
      'train',
      '--model',
      model,
      '--data',
      pairs,
      '--test',
      pairs,
      '--steps',
      '2',
      '--batch-size',
      '3',
      '--rank',
      '2',
    ],
  );
  expect(exitCode).toBe(0);
  expect(firstWords(lines).slice(0, 6)).toEqual(['load', 'tokenise', 'epoch', 'tokenise', 'evaluate', 'perplexity']);
  expect(lines[0]).toMatch(/^load {2}█{16} {2}(\S+) \/ \1 MB {2}\S+ MB\/s$/);
  expect(lines[1]).toMatch(/^tokenise {2}█{16} {2}6 \/ 6 examples {2}1 examples\/s$/);
  expect(lines[4]).toMatch(/^evaluate {2}█{16} {2}6 \/ 6 examples {2}\S+ tokens\/s$/);
  expect(screen).toMatch(/tokenise {2}█{5}░{11} {2}2 \/ 6 examples {2}1 examples\/s {2}0:04 left/);
});

test('answers for a file stand whole among the drawings of their progress', async () => {
  const { exitCode, out, lines } = await seen(
    ...['generate', '--model', model, '--data', pairs, '--max-new-tokens', '4', '--batch-size', '2', '--json'],
  );
  expect(exitCode).toBe(0);
  const printed = out.trimEnd().split('\n');
  expect(printed).toHaveLength(7);
  expect(printed.every((line) => typeof JSON.parse(line) === 'object')).toBe(true);
  expect(lines).toEqual([
    expect.stringMatching(/^load {2}/),
    ...printed.slice(0, 6),
    expect.stringMatching(/^generate {2}█{16} {2}6 \/ 6 rows {2}\S+ tokens\/s$/),
    printed[6],
  ]);
});

test('merging shows what is written; an error stands on a line of its own; --quiet shows nothing', async () => {
  const merged = path.join(folder, 'merged');
  const written = await seen('merge', '--model', model, '--output', merged);
  expect(firstWords(written.lines)).toEqual(['load', 'write', 'Written:']);

  const broken = path.join(folder, 'broken.jsonl');
  await writeFile(broken, `${await readFile(pairs, 'utf8')}\n{"answer": 1}`);
  const refused = await seen('generate', '--model', model, '--data', broken);
  expect(refused.exitCode).toBe(1);
  expect(refused.out).toBe('');
  expect(refused.lines.at(-1)).toMatch(/^error NO_PROMPT: .*broken\.jsonl:7/);

  const quiet = await seen('evaluate', '--model', model, '--data', pairs, '--quiet');
  expect(quiet.lines).toEqual([expect.stringMatching(/^perplexity/)]);
});
