/** The files of a folder that may leave this machine: none that a link brings in from outside it. */
import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { LoranError } from '@loran/plugin';

export interface FolderFile {
  /** Path in the folder, with `/` between folders. */
  readonly path: string;
  /** Where the content is, links resolved. */
  readonly source: string;
  readonly bytes: number;
}

/** Left out: what tools keep for themselves. */
const ignored = new Set(['.git', '.cache', '.DS_Store', '__pycache__', 'node_modules']);

/**
 * @throws LoranError `HUB_FOLDER` for a folder that is missing or empty, and for a link that leads out of it or to a folder.
 */
export async function folderFiles(folder: string): Promise<FolderFile[]> {
  const root = await realpath(folder).catch((cause: unknown) => {
    throw new LoranError('HUB_FOLDER', `There is no folder ${folder} to upload.`, { cause });
  });
  if (!(await stat(root)).isDirectory())
    throw new LoranError('HUB_FOLDER', `${folder} is a file; expected the folder of an adapter or model.`);
  const files = await filesBelow(root, '');
  if (files.length === 0) throw new LoranError('HUB_FOLDER', `The folder ${folder} has no files to upload.`);
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function filesBelow(root: string, below: string): Promise<FolderFile[]> {
  const entries = await readdir(path.join(root, below), { withFileTypes: true });
  const found = await Promise.all(
    entries
      .filter(({ name }) => !ignored.has(name))
      .map(async (entry): Promise<FolderFile[]> => {
        const file = path.posix.join(below, entry.name);
        if (entry.isDirectory()) return filesBelow(root, file);
        if (!entry.isFile() && !entry.isSymbolicLink()) return []; // a socket or device
        const source = await realpath(path.join(root, file)).catch(() => undefined);
        const content = source === undefined ? undefined : await stat(source);
        if (source === undefined || content?.isFile() !== true || !source.startsWith(root + path.sep))
          throw new LoranError(
            'HUB_FOLDER',
            `${file} in ${root} is a link ${source === undefined ? 'to nothing' : `to ${source}`}; expected files, or links to files of the folder. Copy the file in, or remove the link.`,
          );
        return [{ path: file, source, bytes: content.size }];
      }),
  );
  return found.flat();
}
