/**
 * A folder appears whole or not at all: everything is written into a hidden one beside it, which then takes its name.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { LoranError } from '@loran/plugin';
import { notExportable } from './export-error.js';

export interface NewFolderOptions {
  /** Replace a folder that holds something already; default false: that is refused. */
  readonly overwrite?: boolean;
}

/**
 * Makes `folder` of what `write` puts into the empty folder that it is given. Throws FOLDER_NOT_EMPTY before `write` is called,
 * WRITE_FAILED, and what `write` throws; what stood there before is then unchanged.
 */
export async function newFolder(
  folder: string,
  { overwrite = false }: NewFolderOptions,
  write: (empty: string) => Promise<void>,
): Promise<void> {
  const target = resolve(folder);
  const before = await contents(target);
  if (before.length > 0 && !overwrite) {
    throw new LoranError(
      'FOLDER_NOT_EMPTY',
      `${folder} holds ${before.length} files already (${before.slice(0, 3).join(', ')}${before.length > 3 ? ', …' : ''}). Choose another folder, or ask for it to be overwritten.`,
    );
  }
  const hidden = (ending: string) =>
    join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}.${ending}`);
  const staged = hidden('tmp');
  const old = hidden('old');
  try {
    await attempt(folder, () => fs.mkdir(staged, { recursive: true }));
    await write(staged);
    if (before.length > 0) await attempt(folder, () => fs.rename(target, old));
    await attempt(folder, () => fs.rename(staged, target)); // an empty folder in its place is replaced
  } catch (error) {
    await fs.rm(staged, { recursive: true, force: true }).catch(() => undefined); // the first error is the one to report
    await fs.rename(old, target).catch(() => undefined);
    throw error;
  }
  await fs.rm(old, { recursive: true, force: true });
}

/** A model cannot be written over the files that it is read from. Throws NOT_EXPORTABLE where `folder` holds them. */
export function refuseFolderOf(source: string, folder: string): void {
  if (!`${resolve(source)}${sep}`.startsWith(`${resolve(folder)}${sep}`)) return;
  throw notExportable(
    `${folder} is where the base model lies, which is read while the new one is written. Choose another folder.`,
  );
}

async function contents(folder: string): Promise<readonly string[]> {
  return fs.readdir(folder).catch((cause: unknown) => {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw failed(folder, cause);
  });
}

async function attempt<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw failed(folder, cause);
  }
}

function failed(folder: string, cause: unknown): LoranError {
  const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
  const advice = code === 'ENOTDIR' ? 'a file stands in its place, or in that of a folder above it' : 'see the cause';
  return new LoranError(
    'WRITE_FAILED',
    `${folder} could not be written (${code}): ${advice}. What stood there before is unchanged.`,
    {
      cause,
    },
  );
}
