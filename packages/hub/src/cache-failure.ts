/** What the file system says about the cache, as errors that say what to do. */
import { mkdir, statfs } from 'node:fs/promises';
import { LoranError } from '@loran/plugin';

/** The error to throw for one that writing into the cache threw. */
export function cacheFailure(error: unknown, folder: string): unknown {
  const code = (error as { code?: unknown } | null)?.code;
  if (code === 'ENOSPC' || code === 'EDQUOT') return diskFull(folder, 'the disk is full', error);
  if (
    typeof code === 'string' &&
    ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'EISDIR', 'ENAMETOOLONG'].includes(code)
  )
    return new LoranError(
      'HUB_CACHE',
      `The cache ${folder} can't be written: ${(error as Error).message}. Name another by HF_HOME or HF_HUB_CACHE.`,
      { cause: error },
    );
  return error;
}

/** Makes the folder and refuses a download that will not fit. Some network disks tell nothing of their size. */
export async function requireSpace(folder: string, bytes: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  const { bavail, bsize, blocks } = await statfs(folder);
  const free = bavail * bsize;
  if (blocks > 0 && bytes > free) throw diskFull(folder, `${size(bytes)} are to be fetched and ${size(free)} are free`);
}

function diskFull(folder: string, what: string, cause?: unknown): LoranError {
  return new LoranError(
    'HUB_DISK_FULL',
    `Not enough space for ${folder}: ${what}. Free some, or name a cache on another disk by HF_HOME; what was fetched already is kept.`,
    { cause },
  );
}

/** Bytes for people: `1.3 GB`. */
export function size(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'];
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1);
  return `${power === 0 ? bytes : (bytes / 1000 ** power).toFixed(1)} ${units[power]!}`;
}
