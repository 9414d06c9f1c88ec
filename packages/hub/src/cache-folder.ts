/**
 * The cache of the hub, laid out as Python's huggingface_hub does, so that each finds what the other fetched:
 *
 *   models--organisation--name/
 *     blobs/<hash>                    a file, named by the sha256 of its content, or by its git hash where it is small
 *     snapshots/<commit>/<path>       a link to its blob
 *     refs/<revision>                 the commit that a branch or tag stood for when it was last fetched
 */
import { randomBytes } from 'node:crypto';
import {
  copyFile,
  link,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { getRepoFolderName, scanCacheDir } from '@huggingface/hub';
import type { Repository } from './repository.js';
import { isCommit } from './repository.js';

export class CacheFolder {
  readonly folder: string;

  constructor(cacheFolder: string, { name, type }: Pick<Repository, 'name' | 'type'>) {
    this.folder = path.join(cacheFolder, getRepoFolderName({ name, type }));
  }

  get blobs(): string {
    return path.join(this.folder, 'blobs');
  }

  blob(hash: string): string {
    return path.join(this.blobs, hash);
  }

  snapshot(commit: string): string {
    return path.join(this.folder, 'snapshots', commit);
  }

  /** A file of a snapshot: a link to its blob as a rule. */
  pointer(commit: string, file: string): string {
    return path.join(this.snapshot(commit), ...file.split('/'));
  }

  /** The commit that a revision stood for, if its snapshot is here. */
  async commitOf(revision: string): Promise<string | undefined> {
    const written = await readFile(path.join(this.folder, 'refs', revision), 'utf8').catch(() => undefined);
    const commit = written?.trim() ?? revision;
    if (!isCommit(commit)) return undefined;
    return (await isFolder(this.snapshot(commit))) ? commit : undefined;
  }

  /** Notes what `revision` stands for; where that can't be written the snapshot can be used nevertheless. */
  async setCommit(revision: string, commit: string): Promise<void> {
    if (revision === commit || (await this.commitOf(revision)) === commit) return;
    const file = path.join(this.folder, 'refs', revision);
    const fresh = beside(file);
    try {
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(fresh, commit);
      await rename(fresh, file);
    } catch (error) {
      if (!['EACCES', 'EPERM', 'EROFS'].includes((error as { code?: string }).code ?? '')) throw error;
    }
  }

  /** Files of a snapshot, as paths of the repository; links whose blob is gone are left out. */
  async filesOf(commit: string): Promise<{ path: string; bytes: number }[]> {
    const folder = this.snapshot(commit);
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
    const files = await Promise.all(
      entries
        .filter((entry) => !entry.isDirectory())
        .map(async (entry) => {
          const file = path.join(entry.parentPath, entry.name);
          const found = await stat(file).catch(() => undefined);
          if (found?.isFile() !== true) return [];
          return [{ path: path.relative(folder, file).split(path.sep).join('/'), bytes: found.size }];
        }),
    );
    return files.flat().sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** Makes `file` of the snapshot stand for the blob: by a symbolic link, else a hard one, else a copy. */
  async link(commit: string, file: string, hash: string): Promise<void> {
    const pointer = this.pointer(commit, file);
    const blob = this.blob(hash);
    const target = path.relative(path.dirname(pointer), blob);
    if ((await readlink(pointer).catch(() => undefined)) === target) return;
    if (!(await exists(blob))) return; // on disks without links Python's library moves the blob here
    await mkdir(path.dirname(pointer), { recursive: true });
    const fresh = beside(pointer);
    try {
      await symlink(target, fresh)
        .catch(() => link(blob, fresh))
        .catch(() => copyFile(blob, fresh));
      await rename(fresh, pointer);
    } finally {
      await rm(fresh, { force: true }); // also what `rename` leaves where both are links to one file
    }
  }
}

/** Names of the repositories in a cache, such as `model HuggingFaceTB/SmolLM2-135M`. */
export async function cachedRepositories(cacheFolder: string): Promise<string[]> {
  const { repos } = await scanCacheDir(cacheFolder).catch(() => ({ repos: [] }));
  return repos.map(({ id }) => `${id.type} ${id.name}`).sort();
}

/** A name in the same folder that nobody else uses. */
function beside(file: string): string {
  return path.join(path.dirname(file), `.${path.basename(file).slice(0, 100)}.${randomBytes(4).toString('hex')}`);
}

async function exists(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined)) !== undefined;
}

async function isFolder(folder: string): Promise<boolean> {
  return (await stat(folder).catch(() => undefined))?.isDirectory() ?? false;
}
