/**
 * A file is replaced whole or not at all: written beside its place, flushed to the disk, then renamed over the old one.
 *
 * A crash, a full disk or a killed process leaves the old file as it was. A process that is killed leaves its temporary
 * file (`.NAME.<random>.tmp`) behind, since nobody is there to remove it; any other failure removes it.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { TensorFileError } from './tensor-file-error.js';

const largestWrite = 1 << 30; // one system call takes less than 2 GiB

/** A file to be: where, and what writes its bytes. */
export interface NewFile {
  readonly path: string;
  readonly produce: (write: (bytes: Uint8Array) => Promise<void>) => Promise<void>;
}

/**
 * Replaces `path` by what `produce` writes. Errors of the file system become WRITE_FAILED; those that `produce` throws
 * itself pass through. In both cases the old file, or its absence, is kept.
 */
export function replaceFile(path: string, produce: NewFile['produce']): Promise<void> {
  return replaceFiles([{ path, produce }]);
}

/**
 * Replaces files of one folder together: all are written and flushed before the first takes its place, so that a failure
 * while writing keeps every old file. They take their places in the order given.
 */
export async function replaceFiles(files: readonly NewFile[]): Promise<void> {
  const staged: { path: string; temporary: string }[] = [];
  try {
    for (const { path, produce } of files) {
      const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
      const handle = await attempt(path, () => fs.open(temporary, 'wx'));
      staged.push({ path, temporary });
      try {
        await produce((bytes) => attempt(path, () => writeAll(handle, bytes)));
        await attempt(path, () => handle.sync());
      } finally {
        await attempt(path, () => handle.close());
      }
    }
    for (const { path, temporary } of staged) await attempt(path, () => fs.rename(temporary, path));
  } catch (error) {
    // the first error is the one to report
    for (const { temporary } of staged) await fs.rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
  for (const folder of new Set(staged.map(({ path }) => dirname(path)))) await syncFolder(folder);
}

/** Writes a small file (configuration, JSON, text as UTF-8) whole or not at all. Throws WRITE_FAILED. */
export async function writeFileAtomic(path: string, contents: Uint8Array | string): Promise<void> {
  await replaceFile(path, (write) =>
    write(typeof contents === 'string' ? new TextEncoder().encode(contents) : contents),
  );
}

async function writeAll(handle: fs.FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.byteLength;) {
    const { bytesWritten } = await handle.write(bytes, done, Math.min(bytes.byteLength - done, largestWrite));
    done += bytesWritten;
  }
}

/** Makes the rename itself survive a power cut, where the system can flush a folder. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await fs.open(folder, 'r').catch(() => undefined); // Windows opens no folders
  if (handle === undefined) return;
  try {
    await handle.sync();
  } catch {
    // some file systems refuse; the file itself is flushed
  } finally {
    await handle.close();
  }
}

async function attempt<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new TensorFileError(
      'WRITE_FAILED',
      path,
      `could not be written (${code}): ${advice[code] ?? 'see the cause'}. What stood there before is unchanged.`,
      { cause },
    );
  }
}

const advice: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full, so free some space or choose another place',
  EDQUOT: 'the disk quota is used up, so free some space or choose another place',
  EFBIG: 'the file is larger than this system allows',
  ENOENT: 'its folder does not exist, so create it first',
  ENOTDIR: 'a part of its path is a file, not a folder',
  EISDIR: 'a folder stands in its place',
  EACCES: 'permission is denied',
  EPERM: 'permission is denied',
  EROFS: 'the file system is read-only',
};
