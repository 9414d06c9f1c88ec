/** Whether what lies in node_modules is what package-lock.json asks for. Reads files only, in a few milliseconds. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/**
 * The first difference between the lockfile and the installed tree, in words, or undefined where they agree.
 * npm writes node_modules/.package-lock.json last, so an interrupted install has none.
 *
 * @param {string} root the workspace's folder
 * @returns {string | undefined}
 */
export function staleness(root) {
  const wanted = read(path.join(root, 'package-lock.json'));
  if (wanted === undefined)
    throw new Error(
      `package-lock.json is missing or is not JSON in ${root}. Restore it: git checkout package-lock.json`,
    );
  const installed = read(path.join(root, 'node_modules/.package-lock.json'));
  if (installed === undefined)
    return existsSync(path.join(root, 'node_modules'))
      ? 'an installation was not finished'
      : 'nothing is installed yet';

  for (const [place, entry] of Object.entries(wanted.packages)) {
    if (place === '') continue;
    const found = installed.packages[place];
    // Binaries for other systems, which npm leaves out.
    if (entry.optional === true && (found === undefined || !runsHere(entry))) continue;
    if (found === undefined) return `${place} is not installed`;
    if (found.version !== entry.version || found.integrity !== entry.integrity)
      return `${place} is ${found.version}, not ${entry.version}`;
    if (!existsSync(path.join(root, place))) return `${place} was deleted`;
  }
  // A tree that came from another system has that one's binaries.
  for (const [place, entry] of Object.entries(installed.packages)) {
    if (wanted.packages[place] === undefined) return `${place} is no longer asked for`;
    if (!runsHere(entry)) return `${place} is for another system`;
  }
  return undefined;
}

/** @param {{ os?: string[], cpu?: string[] }} entry */
function runsHere({ os, cpu }) {
  return (os?.includes(process.platform) ?? true) && (cpu?.includes(process.arch) ?? true);
}

/** @param {string} file */
function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
