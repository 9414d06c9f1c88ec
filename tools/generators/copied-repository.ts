/** A copy of this repository to generate into: its own packages, with what was built of them, over the installed node_modules. */
import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';

const folders = ['packages', 'examples', 'tools', 'docs', '.changeset', '.ci'];
/** What belongs to one machine, or comes and goes while other tasks run. */
const left = /(^|\/)(node_modules|\.cache|\.venv|__pycache__|runs|coverage|[^/]*\.tgz|[^/]*\.timestamp-[^/]*)$/;

/** Copies the repository at `root` into the empty folder `copy`. */
export function copyRepository(root: string, copy: string): void {
  const files = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isFile());
  for (const name of [...folders, ...files.map((file) => file.name)])
    cpSync(path.join(root, name), path.join(copy, name), {
      recursive: true,
      preserveTimestamps: true, // so that tsc finds what is built up to date
      filter: (source) => !left.test(source.slice(root.length).replaceAll(path.sep, '/')),
    });
  linkModules(root, copy);
  for (const folder of readdirSync(path.join(root, 'packages'))) linkModules(root, copy, path.join('packages', folder));
}

/** What npm would do for a package that is new: a link to it where imports look. */
export function linkPackage(copy: string, name: string): void {
  symlinkSync(path.join(copy, 'packages', name), path.join(copy, 'node_modules/@loran', name), 'junction');
}

/** Links every installed package, and this repository's own to where they lie in the copy. */
function linkModules(root: string, copy: string, folder = ''): void {
  const installed = path.join(root, folder, 'node_modules');
  for (const name of namesIn(installed)) {
    if (name === '.cache' || name === '.vite') continue;
    const target = path.join(copy, folder, 'node_modules', name);
    mkdirSync(path.dirname(target), { recursive: true });
    if (name !== '@loran') symlinkSync(path.join(installed, name), target, 'junction');
  }
  if (folder !== '') return;
  mkdirSync(path.join(copy, 'node_modules/@loran'));
  for (const name of namesIn(path.join(root, 'packages'))) if (name !== 'cli') linkPackage(copy, name);
  symlinkSync(path.join(copy, 'tools'), path.join(copy, 'node_modules/@loran/tools'), 'junction');
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // a package that has no modules of its own
  }
}
