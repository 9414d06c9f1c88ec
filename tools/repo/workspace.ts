/** What the repo rules look at: every package and example with its texts, and the documents at the top. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly license?: string;
  readonly type?: string;
  readonly sideEffects?: unknown;
  readonly engines?: Readonly<Record<string, string>>;
  readonly exports?: unknown;
  readonly files?: readonly string[];
  readonly nx?: { readonly tags?: readonly string[] };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** A workspace package: `folder` is its name under packages/ or examples/, `files` its texts by path inside it. */
export interface Member {
  readonly place: 'packages' | 'examples';
  readonly folder: string;
  readonly manifest: Manifest;
  readonly files: ReadonlyMap<string, string>;
}

export interface Workspace {
  readonly members: readonly Member[];
  /** Texts outside packages and examples, by path: README.md, docs/…, .changeset/…, tools/…. */
  readonly documents: ReadonlyMap<string, string>;
}

/** One rule of the repository: `check` returns a line for each place that breaks it. */
export interface Rule {
  readonly name: string;
  check(workspace: Workspace): readonly string[];
}

const skipped = new Set([
  'node_modules',
  'dist',
  'out-tsc',
  'generated',
  'coverage',
  'runs',
  '.git',
  '.nx',
  '.cache',
  '.venv',
  '__pycache__',
]);
const text = /(\.(ts|mts|mjs|md|py|sh|ya?ml)|package\.json|LICENSE|\.ci\/run)$/;

/** Reads the workspace that lies in `root`. */
export function readWorkspace(root: string): Workspace {
  const members = (['packages', 'examples'] as const).flatMap((place) =>
    readdirSync(path.join(root, place), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name: folder }): Member => {
        const files = readTexts(path.join(root, place, folder));
        const manifest = files.get('package.json');
        if (manifest === undefined)
          throw new Error(`${place}/${folder} has no package.json: remove the folder or make it a package`);
        return { place, folder, manifest: JSON.parse(manifest) as Manifest, files };
      }),
  );
  const documents = new Map([...readTexts(root)].filter(([file]) => !/^(packages|examples)\//.test(file)));
  return { members, documents };
}

function readTexts(folder: string): Map<string, string> {
  const texts = new Map<string, string>();
  const visit = (inside: string) => {
    for (const entry of readdirSync(path.join(folder, inside), { withFileTypes: true })) {
      const file = path.posix.join(inside, entry.name);
      if (entry.isDirectory() && !skipped.has(entry.name)) visit(file);
      else if (entry.isFile() && text.test(file)) texts.set(file, readFileSync(path.join(folder, file), 'utf8'));
    }
  };
  visit('');
  return texts;
}

export const where = (member: Member, file = ''): string =>
  [member.place, member.folder, file].filter((part) => part !== '').join('/');

export const packagesOf = ({ members }: Workspace): readonly Member[] =>
  members.filter(({ place }) => place === 'packages');

export const isTest = (file: string): boolean => /\.test(-d)?\.ts$/.test(file);

/** Source that ships or runs: TypeScript and scripts that are neither tests nor fixtures. */
export const isSource = (file: string): boolean =>
  /\.(ts|mts|mjs)$/.test(file) && !isTest(file) && !file.includes('__fixtures__/');

/** Every text of the workspace with its path from the root. */
export function* allTexts(workspace: Workspace): Iterable<readonly [string, string]> {
  yield* workspace.documents;
  for (const member of workspace.members)
    for (const [file, content] of member.files) yield [where(member, file), content];
}
