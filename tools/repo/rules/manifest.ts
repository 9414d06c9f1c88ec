/** Every package.json has the shape that publishing and the arrows rest on. */
import { packagesOf, where, type Manifest, type Member, type Rule } from '../workspace.js';

const entry = { '@loran/source': './src/index.ts', types: './dist/index.d.ts', default: './dist/index.js' };

const expected: readonly [string, (manifest: Manifest, member: Member) => boolean][] = [
  ['"type" is "module"', ({ type }) => type === 'module'],
  ['"license" is "Apache-2.0"', ({ license }) => license === 'Apache-2.0'],
  ['"sideEffects" is false', ({ sideEffects }) => sideEffects === false],
  ['"engines.node" is ">=20.19"', ({ engines }) => engines?.node === '>=20.19'],
  ['the Nx tag is "layer:" and the folder', ({ nx }, { folder }) => nx?.tags?.join() === `layer:${folder}`],
  [
    '"exports" has one entry, "." from source, types and dist, beside "./package.json"',
    ({ exports }) => JSON.stringify(exports) === JSON.stringify({ '.': entry, './package.json': './package.json' }),
  ],
  [
    '"files" has dist without build info, README.md and LICENSE',
    ({ files }) => ['dist', '!**/*.tsbuildinfo', 'README.md', 'LICENSE'].every((file) => files?.includes(file)),
  ],
  [
    'the name is "@loran/" and the folder',
    ({ name }, { folder }) => name === (folder === 'cli' ? 'loran' : `@loran/${folder}`),
  ],
];

export const manifestShape: Rule = {
  name: 'each package.json: module, licence, no side effects, Node, one tag, one entry, files',
  check: (workspace) =>
    packagesOf(workspace).flatMap((member) =>
      expected
        .filter(([, holds]) => !holds(member.manifest, member))
        .map(([what]) => `${where(member, 'package.json')}: expected that ${what}`),
    ),
};

export const licence: Rule = {
  name: 'each package carries the licence of the repository',
  check: (workspace) =>
    packagesOf(workspace)
      .filter(
        (member) =>
          member.files.get('LICENSE') === undefined ||
          member.files.get('LICENSE') !== workspace.documents.get('LICENSE'),
      )
      .map((member) => `${where(member, 'LICENSE')} is not the LICENSE at the top: cp LICENSE ${where(member)}`),
};

export const versions: Rule = {
  name: 'src/version.ts states the version of package.json',
  check: (workspace) =>
    packagesOf(workspace).flatMap((member) => {
      const stated = member.files.get('src/version.ts');
      if (stated === undefined || stated.includes(`export const version = '${member.manifest.version}';`)) return [];
      return [`${where(member, 'src/version.ts')}: package.json says ${member.manifest.version}`];
    }),
};

export const examples: Rule = {
  name: 'each example is private, tagged and run by a test',
  check: ({ members }) =>
    members
      .filter(({ place }) => place === 'examples')
      .flatMap((member) => [
        ...(member.manifest.private === true ? [] : [`${where(member)} is not private`]),
        ...(member.manifest.nx?.tags?.join() === 'layer:examples'
          ? []
          : [`${where(member)} lacks the tag layer:examples`]),
        ...([...member.files.keys()].some((file) => file.endsWith('.test.ts')) ? [] : [`${where(member)} has no test`]),
      ]),
};
