/** The code in the documents compiles against the packages. */
import path from 'node:path';
import { expect, test } from 'vitest';
import { checkCode, codeBlocksIn } from './document-code.js';
import { allTexts, readWorkspace } from './workspace.js';

const root = path.resolve(import.meta.dirname, '../..');

test('wrong code is found: a name, an argument, a package, a syntax error; a missing value is no error', () => {
  const code = [
    "import { LoranError } from '@loran/plugin';\nthrow new LoranError('CODE', message);\n",
    "import { LoranErrors } from '@loran/plugin';\n",
    "import { nearest } from '@loran/plugin';\n\nnearest('a', 1);\n",
    "import { nearest } from '@loran/nothing';\n",
    'const a = ;\n',
  ];
  const errors = checkCode(
    root,
    code.map((text, index) => ({ place: `block ${index}`, code: text })),
  );
  expect(errors).toEqual([
    expect.stringMatching(/^block 1, line 1 .*LoranErrors/),
    expect.stringMatching(/^block 2, line 3 /),
    expect.stringMatching(/^block 3, line 1 .*@loran\/nothing/),
    expect.stringMatching(/^block 4, line 1 .*Expression expected/),
  ]);
});

test('blocks are found with their place', () => {
  expect(codeBlocksIn('a.md', 'x\n\n```ts\none();\n```\n\n```sh\nls\n```\n\n```ts\ntwo();\n```\n')).toEqual([
    { place: 'a.md:3', code: 'one();\n' },
    { place: 'a.md:11', code: 'two();\n' },
  ]);
});

test('the code of every document of this workspace', () => {
  const blocks = [...allTexts(readWorkspace(root))]
    .filter(([file]) => file.endsWith('.md'))
    .flatMap(([file, text]) => codeBlocksIn(file, text));
  expect(blocks.length).toBeGreaterThan(10);
  expect(checkCode(root, blocks)).toEqual([]);
}, 120_000);
