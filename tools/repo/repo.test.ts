/** The rules of the repository, each tried on a workspace that breaks it and then on this one. */
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { arrowPicture, arrows } from './rules/arrows.js';
import { changesets, codeBlocks, links, quickstartShown } from './rules/documents.js';
import { pluginsIn, pluginsWithoutLaws } from './rules/laws.js';
import { examples, licence, manifestShape, versions } from './rules/manifest.js';
import { headings, readmeHeadings } from './rules/readme.js';
import {
  explicitExports,
  fileLength,
  hasTests,
  namesSayWhat,
  nothingPromised,
  noMachinePaths,
  noTestSwitchedOff,
} from './rules/source.js';
import { sample, withDocuments, withMember } from './sample.js';
import { packagesOf, readWorkspace, type Rule, type Workspace } from './workspace.js';

const readme = sample.members[1]!.files.get('README.md')!;
const top = sample.documents.get('README.md')!;
/** Joins what this file may not contain itself. */
const glue = (...parts: string[]) => parts.join('');

/** Every rule with workspaces that break it. */
const rules: readonly (readonly [Rule, Readonly<Record<string, Workspace>>])[] = [
  [
    readmeHeadings,
    {
      'no README': withMember('tensor', { 'README.md': undefined }),
      'another title': withMember('tensor', { 'README.md': readme.replace('@loran/tensor', 'Tensor') }),
      'a heading renamed': withMember('tensor', { 'README.md': readme.replace('## Options', '## Settings') }),
      'a heading more': withMember('tensor', { 'README.md': `${readme}\n## More\n\nText.\n` }),
      'the order changed': withMember('tensor', {
        'README.md': readme.replace('## What', '## X').replace('## Install', '## What').replace('## X', '## Install'),
      }),
      'an empty section': withMember('tensor', { 'README.md': readme.replace('## Install\n\nText.', '## Install\n') }),
      'a heading that is only a comment in code': withMember('tensor', {
        'README.md': readme.replace('## Options', '```sh\n## Options\n```'),
      }),
    },
  ],
  [
    manifestShape,
    {
      'no licence': withMember('tensor', {}, { license: 'MIT' }),
      'side effects': withMember('tensor', {}, { sideEffects: true }),
      CommonJS: withMember('tensor', {}, { type: 'commonjs' }),
      'another Node': withMember('tensor', {}, { engines: { node: '>=18' } }),
      'another tag': withMember('tensor', {}, { nx: { tags: ['layer:adapter'] } }),
      'a second entry': withMember(
        'tensor',
        {},
        { exports: { ...(sample.members[1]!.manifest.exports as object), './inner': './dist/inner.js' } },
      ),
      'nothing packed': withMember('tensor', {}, { files: ['dist'] }),
      'another name': withMember('tensor', {}, { name: '@loran/tensors' }),
    },
  ],
  [
    licence,
    {
      'another text': withMember('tensor', { LICENSE: 'mine' }),
      'no text': withMember('tensor', { LICENSE: undefined }),
    },
  ],
  [versions, { 'an older version': withMember('tensor', { 'src/version.ts': "export const version = '0.0.9';\n" }) }],
  [
    examples,
    {
      'a public one': withMember('quickstart', {}, { private: false }),
      'no tag': withMember('quickstart', {}, { nx: { tags: [] } }),
      'no test': withMember('quickstart', { 'quickstart.test.ts': undefined }),
    },
  ],
  [
    explicitExports,
    {
      'export *': withMember('tensor', { 'src/index.ts': "export * from './thing.js';\n" }),
      'a default': withMember('tensor', { 'src/index.ts': "export { default } from './thing';\n" }),
      code: withMember('tensor', { 'src/index.ts': "import './thing.js';\nexport const a = 1;\n" }),
      nothing: withMember('tensor', { 'src/index.ts': 'export {};\n' }),
      'an empty file': withMember('tensor', { 'src/index.ts': '// later\n' }),
      'no index': withMember('tensor', { 'src/index.ts': undefined }),
    },
  ],
  [fileLength, { '261 lines': withMember('tensor', { 'src/long.ts': 'a();\n'.repeat(261) }) }],
  [hasTests, { 'no test': withMember('tensor', { 'src/thing.test.ts': undefined }) }],
  [
    nothingPromised,
    Object.fromEntries(
      [
        glue('// TO', 'DO: later'),
        glue('// not imple', 'mented'),
        glue('x as a', 'ny'),
        glue('// @ts-', 'ignore'),
        glue('// a st', 'ub'),
      ].map((line) => [line, withMember('tensor', { 'src/thing.ts': `${line}\n` })]),
    ),
  ],
  [
    noTestSwitchedOff,
    Object.fromEntries(
      [glue('test', '.skip'), glue('describe', '.only'), glue('it', '.todo')].map((call) => [
        call,
        withMember('tensor', { 'src/thing.test.ts': `${call}('x', () => {});\n` }),
      ]),
    ),
  ],
  [
    noMachinePaths,
    {
      'in source': withMember('tensor', { 'src/thing.ts': glue('read("', '/ho', 'me/someone/x");\n') }),
      'in a document': withDocuments({ 'docs/design.md': glue('Run it in /', 'wo', 'rk/x.\n') }),
    },
  ],
  [
    namesSayWhat,
    {
      'a file': withMember('tensor', { 'src/utils.ts': '' }),
      'a folder': withMember('tensor', { 'src/helpers/x.ts': '' }),
    },
  ],
  [
    arrows,
    {
      'an arrow upwards': withMember('tensor', {}, { dependencies: { '@loran/lora': '^0.1.0' } }),
      'the program': withMember('tensor', {}, { dependencies: { loran: '^0.1.0' } }),
      'in development': withMember('tensor', {}, { devDependencies: { '@loran/testing': '^0.1.0' } }),
      'an unknown layer': {
        ...sample,
        members: sample.members.map((member) => ({ ...member, folder: `${member.folder}s` })),
      },
    },
  ],
  [
    arrowPicture,
    {
      'an arrow less': withDocuments({ 'README.md': top.replace('flowchart TD', 'flowchart TD\n  lora --> adapter') }),
      'no picture': withDocuments({ 'README.md': '# loran\n' }),
    },
  ],
  [
    links,
    {
      'a lost file': withDocuments({ 'docs/design.md': '[gone](gone.md)\n' }),
      'from a package': withMember('tensor', { 'README.md': `${readme}[x](src/x.ts)\n` }),
    },
  ],
  [
    codeBlocks,
    {
      'other code': withDocuments({ 'README.md': top.replace('step({', 'other({') }),
      'a lost file': withDocuments({ 'README.md': top.replace('main.ts', 'gone.ts') }),
      'a lost part': withDocuments({ 'README.md': top.replace('#step', '#stop') }),
      'no block': withDocuments({ 'README.md': '<!-- code: examples/quickstart/main.ts -->\n\nText.\n' }),
    },
  ],
  [quickstartShown, { 'no code': withDocuments({ 'README.md': '# loran\n' }) }],
  [
    changesets,
    {
      'an unknown package': withDocuments({ '.changeset/one.md': "---\n'@loran/tensors': minor\n---\n\nText.\n" }),
      'an unknown bump': withDocuments({ '.changeset/one.md': "---\n'@loran/tensor': small\n---\n\nText.\n" }),
      'no text': withDocuments({ '.changeset/one.md': "---\n'@loran/tensor': minor\n---\n" }),
      'no front matter': withDocuments({ '.changeset/one.md': 'Text.\n' }),
    },
  ],
];

const root = path.resolve(import.meta.dirname, '../..');
const workspace = readWorkspace(root);

for (const [rule, broken] of rules)
  describe(rule.name, () => {
    test('the sample keeps it', () => {
      expect(rule.check(sample)).toEqual([]);
    });

    test.each(Object.entries(broken))('it finds %s', (_, breaking) => {
      expect(rule.check(breaking)).not.toEqual([]);
    });

    test('this workspace keeps it', () => {
      expect(rule.check(workspace)).toEqual([]);
    });
  });

describe('each plugin is put through the laws of its kind', () => {
  const thing = { kind: 'adapter-method', name: 'thing', package: '@loran/tensor', version: '0.1.0' };
  const plugins = pluginsIn('tensor', { thing, list: [thing], createThing: () => thing, number: 1 });

  test('the sample keeps it, by name, by list or made anew', () => {
    expect(plugins).toEqual([
      { folder: 'tensor', kind: 'adapter-method', exportNames: ['thing', 'list', 'createThing'] },
    ]);
    expect(pluginsWithoutLaws(sample, plugins)).toEqual([]);
    const listed = withMember('tensor', {
      'src/thing.test.ts': 'for (const each of list) describeAdapterMethod(each);\n',
    });
    expect(pluginsWithoutLaws(listed, plugins)).toEqual([]);
  });

  test.each([
    ['no call', "test('thing', () => {});\n"],
    ['another suite', 'describeActivation(thing);\n'],
    ['another plugin', 'describeAdapterMethod(another);\n'],
  ])('it finds %s', (_, content) => {
    expect(pluginsWithoutLaws(withMember('tensor', { 'src/thing.test.ts': content }), plugins)).toHaveLength(1);
  });

  test('this workspace keeps it', async () => {
    const shipped = await Promise.all(
      packagesOf(workspace)
        .filter(({ folder }) => !['cli', 'testing'].includes(folder))
        .map(async ({ folder }) =>
          pluginsIn(
            folder,
            (await import(path.join(root, 'packages', folder, 'src/index.ts'))) as Record<string, unknown>,
          ),
        ),
    );
    expect(shipped.flat().length).toBeGreaterThan(10);
    expect(pluginsWithoutLaws(workspace, shipped.flat())).toEqual([]);
  });
});

test('the headings are those that CONTRIBUTING.md names', () => {
  expect(workspace.documents.get('CONTRIBUTING.md')).toContain(headings.join(', '));
});
