import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type LanguageOptions, readLanguageExamples } from './language-examples.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'loran-language-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

async function read(rows: readonly object[], options?: LanguageOptions) {
  const file = join(folder, 'data.jsonl');
  writeFileSync(file, rows.map((row) => JSON.stringify(row)).join('\n'));
  return (await readLanguageExamples(file, options)).items;
}

describe('the form of a file', () => {
  test('texts', async () => {
    expect(await read([{ text: 'a', id: 7 }, { text: '' }])).toEqual([
      { form: 'text', text: 'a', id: '7', line: 1 },
      { form: 'text', text: '', line: 2 },
    ]);
  });

  test('prompts and completions, though there is a text beside them', async () => {
    const [example] = await read([{ prompt: 'p', completion: 'c', text: 'both' }]);
    expect(example).toEqual({ form: 'completion', prompt: 'p', completion: 'c', line: 1 });
  });

  test('conversations keep what templates and training read', async () => {
    const messages = [
      { role: 'user', content: 'hi' },
      { role: 'assistant', content: null, tool_calls: [{ function: { name: 'f', arguments: {} } }] },
      { role: 'tool', content: '3', name: 'f' },
      { role: 'assistant', content: 'three', train: false },
    ];
    const tools = [{ type: 'function', function: { name: 'f' } }];
    expect(await read([{ messages, tools }])).toEqual([{ form: 'chat', messages, tools, line: 1 }]);
  });

  test('columns of other names', async () => {
    const [dialogue] = await read([{ dialogue: 'd', summary: 's' }], {
      promptField: 'dialogue',
      completionField: 'summary',
    });
    expect(dialogue).toMatchObject({ form: 'completion', prompt: 'd', completion: 's' });
    const [body] = await read([{ body: 'b', text: 't' }], { textField: 'body' });
    expect(body).toMatchObject({ form: 'text', text: 'b' });
    const [turns] = await read([{ turns: [{ role: 'user', content: 'x' }], text: 't' }], { messagesField: 'turns' });
    expect(turns).toMatchObject({ form: 'chat' });
  });
});

describe('bad rows are named by file, line and field', () => {
  test.each([
    ['no known field', [{ body: 'x' }], /data\.jsonl:1: the row has 'body'.*textField/],
    ['a field that a later row lacks', [{ text: 'a' }, { txt: 'b' }], /data\.jsonl:2: .*missing/],
    [
      'a completion that is no string',
      [{ prompt: 'p', completion: 3 }],
      /data\.jsonl:1: it is number\. Expected a string/,
    ],
    ['no turns', [{ messages: [] }], /data\.jsonl:1: messages/],
    ['a turn without a role', [{ messages: [{ content: 'x' }] }], /messages\.0\.role/],
    ['a content that is no text', [{ messages: [{ role: 'user', content: 5 }] }], /messages\.0\.content/],
  ])('%s', async (_, rows, message) => {
    await expect(read(rows)).rejects.toThrow(message);
  });

  test('an empty file', async () => {
    await expect(read([])).rejects.toThrow(/data\.jsonl: /);
  });
});
