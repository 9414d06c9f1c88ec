/** What a user points at, on this machine: a path as it is, a model of the Hugging Face hub downloaded into its cache. */
import fs from 'node:fs/promises';
import path from 'node:path';
import { downloadModel, type ModelOptions } from '@loran/hub';

/** How the hub is asked; see @loran/hub. */
export type ModelDownload = Omit<ModelOptions, 'file' | 'files'>;

export interface FetchedModel {
  /** Folder or file. */
  readonly path: string;
  /** Commit of the hub, where it came from there. */
  readonly revision?: string;
}

/** 'org/name', 'org/name@revision', and with ':FILE.gguf' behind one file of a repository. */
const hubId = /^[A-Za-z0-9][\w.-]*\/[\w.-]+(?:@[\w./-]+)?(?::(?<file>[^:]+\.gguf))?$/;

/**
 * The path of a model: itself where it exists, else the cached download of the hub's repository of that name. A name that is
 * neither comes back unchanged, for whoever opens it to say so. Throws what @loran/hub throws (HUB_NOT_FOUND, HUB_OFFLINE, …).
 *
 * `files`: the names, or patterns of names, of those that are fetched; default what is needed to run it.
 */
export async function fetchModel(
  model: string,
  options: ModelDownload = {},
  files?: readonly string[],
): Promise<FetchedModel> {
  const match = hubId.exec(model);
  if (match === null || (await exists(model))) return { path: model };
  const file = match.groups?.['file'];
  const id = file === undefined ? model : model.slice(0, -file.length - 1);
  const { folder, revision } = await downloadModel(id, { ...options, ...(file === undefined ? { files } : { file }) });
  return { path: file === undefined ? folder : path.join(folder, file), revision };
}

const exists = (file: string): Promise<boolean> =>
  fs.stat(file).then(
    () => true,
    () => false,
  );
