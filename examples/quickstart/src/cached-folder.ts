/**
 * Folders made once and kept in node_modules/.cache/loran, where `npm ci` clears them.
 *
 * A folder is built beside its place and renamed into it, so it is whole or not there. A stamp says what it was built from; a
 * folder with another stamp is built again.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeFileAtomic } from '@loran/formats';

const cache = fileURLToPath(new URL('../../../node_modules/.cache/loran', import.meta.url));
const stampName = 'built-from.json';

/** The folder `name` of the cache; where it is missing, or stamped otherwise, `build` fills an empty folder first. */
export async function cachedFolder(
  name: string,
  stamp: Readonly<Record<string, unknown>>,
  build: (folder: string) => Promise<void>,
  root = cache,
): Promise<string> {
  const folder = path.join(root, name);
  const wanted = JSON.stringify(stamp, null, 2) + '\n';
  if ((await stampOf(folder)) === wanted) return folder;

  const draft = path.join(root, `.${name}-${randomUUID()}`);
  await mkdir(draft, { recursive: true });
  try {
    await build(draft);
    await writeFileAtomic(path.join(draft, stampName), wanted);
    await rm(folder, { recursive: true, force: true });
    await rename(draft, folder);
  } catch (error) {
    if ((await stampOf(folder)) !== wanted) throw error; // otherwise another process was faster, and its folder is as good
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return folder;
}

async function stampOf(folder: string): Promise<string | undefined> {
  return readFile(path.join(folder, stampName), 'utf8').catch(() => undefined);
}
