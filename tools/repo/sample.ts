/** A small workspace that keeps every rule, for the tests that break one thing at a time. */
import { picture, pictureMarks } from './rules/arrows.js';
import type { Manifest, Member, Workspace } from './workspace.js';

const readme = (name: string) =>
  `# ${name}\n\n${['What', 'Install', 'Example', 'Options', 'Laws and limits'].map((heading) => `## ${heading}\n\nText.\n`).join('\n')}`;

const manifest = (folder: string, dependencies: Record<string, string>): Manifest => ({
  name: `@loran/${folder}`,
  version: '0.1.0',
  license: 'Apache-2.0',
  type: 'module',
  sideEffects: false,
  engines: { node: '>=20.19' },
  exports: {
    '.': { '@loran/source': './src/index.ts', types: './dist/index.d.ts', default: './dist/index.js' },
    './package.json': './package.json',
  },
  files: ['dist', '!**/*.tsbuildinfo', 'README.md', 'LICENSE'],
  nx: { tags: [`layer:${folder}`] },
  dependencies,
});

function sound(folder: string, dependencies: Record<string, string> = {}): Member {
  return {
    place: 'packages',
    folder,
    manifest: manifest(folder, dependencies),
    files: new Map([
      ['README.md', readme(`@loran/${folder}`)],
      ['LICENSE', 'the licence'],
      [
        'src/index.ts',
        "export { thing, type Thing } from './thing.js';\nexport type { Other } from './parts/other.js';\n",
      ],
      ['src/thing.ts', 'export const thing = 1;\n'],
      ['src/thing.test.ts', 'describeAdapterMethod(thing, { configs: { one: { rank: 4 } } });\n'],
      ['src/version.ts', "export const version = '0.1.0';\n"],
    ]),
  };
}

const quickstart: Member = {
  place: 'examples',
  folder: 'quickstart',
  manifest: { name: '@loran/example-quickstart', version: '0.0.0', private: true, nx: { tags: ['layer:examples'] } },
  files: new Map([
    ['main.ts', 'start();\n{\n  // #region step\n  step({\n    size: 1,\n  });\n  // #endregion\n}\n'],
    ['quickstart.test.ts', "test('runs', run);\n"],
  ]),
};

const members = [sound('plugin'), sound('tensor', { '@loran/plugin': '^0.1.0' }), quickstart];

const top = `# loran

${pictureMarks[0]}

${picture({ members, documents: new Map() })}

${pictureMarks[1]}

See [the design](docs/design.md#packages), [the site](https://example.org) and [tensor](packages/tensor).

<!-- code: examples/quickstart/main.ts#step -->

\`\`\`ts
step({
  size: 1,
});
\`\`\`
`;

export const sample: Workspace = {
  members,
  documents: new Map([
    ['LICENSE', 'the licence'],
    ['README.md', top],
    ['docs/design.md', '# Design\n\nBack to [the top](../README.md).\n'],
    ['.changeset/one.md', "---\n'@loran/tensor': minor\n---\n\nTensors are whole.\n"],
  ]),
};

/** The sample with a member's files or manifest changed; `undefined` takes a file away. */
export function withMember(
  folder: string,
  files: Readonly<Record<string, string | undefined>>,
  changes: Partial<Manifest> = {},
): Workspace {
  return {
    ...sample,
    members: sample.members.map((member) =>
      member.folder === folder
        ? { ...member, manifest: { ...member.manifest, ...changes }, files: changed(member.files, files) }
        : member,
    ),
  };
}

/** The sample with documents changed. */
export function withDocuments(documents: Readonly<Record<string, string | undefined>>): Workspace {
  return { ...sample, documents: changed(sample.documents, documents) };
}

function changed(
  files: ReadonlyMap<string, string>,
  changes: Readonly<Record<string, string | undefined>>,
): ReadonlyMap<string, string> {
  return new Map(
    Object.entries({ ...Object.fromEntries(files), ...changes }).filter(
      (file): file is [string, string] => file[1] !== undefined,
    ),
  );
}
