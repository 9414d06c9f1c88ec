/** What the hub says a repository holds: the commit of a revision, and its files with sizes and hashes. */
import { createHash, type Hash } from 'node:crypto';
import { datasetInfo, listFiles, modelInfo, type ListFileEntry } from '@huggingface/hub';
import { LoranError } from '@loran/plugin';
import { hubFetch } from './hub-fetch.js';
import type { Connection } from './hub-options.js';
import { isCommit, staysInside, type Repository } from './repository.js';

/** One file of a repository. */
export interface RepositoryFile {
  /** With `/` between folders. */
  readonly path: string;
  readonly bytes: number;
  /** Hexadecimal; the name of its blob in the cache. */
  readonly hash: string;
  /** sha256 of the content for large files (LFS), git's hash for small ones. */
  readonly algorithm: 'sha256' | 'git hash';
}

const fileLimit = 200_000;

/** Begins the hash of a file, as the hub names it. */
export function startHash({ algorithm, bytes }: RepositoryFile): Hash {
  return algorithm === 'sha256' ? createHash('sha256') : createHash('sha1').update(`blob ${bytes}\0`);
}

/** The commit that a revision stands for now. */
export async function commitOf(repository: Repository, connection: Connection): Promise<string> {
  const { name, type, revision } = repository;
  const question = { ...asked(repository, connection), name, revision };
  const { sha } = await understood(connection, () =>
    type === 'model'
      ? modelInfo({ ...question, additionalFields: ['sha'] })
      : datasetInfo({ ...question, additionalFields: ['sha'] }),
  );
  if (!isCommit(sha)) throw malformed(connection, `the commit of ${name}`, sha);
  return sha;
}

/** All files of a commit. Everything that the server says is checked before it becomes a path or a size here. */
export function filesOf(repository: Repository, commit: string, connection: Connection): Promise<RepositoryFile[]> {
  return understood(connection, () => readListing(repository, commit, connection));
}

async function readListing(repository: Repository, commit: string, connection: Connection): Promise<RepositoryFile[]> {
  const { name, type } = repository;
  const files = new Map<string, RepositoryFile>();
  const question = { ...asked(repository, connection), repo: { name, type }, revision: commit, recursive: true };
  for await (const entry of listFiles(question)) {
    if (typeof entry.type !== 'string') throw malformed(connection, `an entry of ${name}`, entry);
    if (entry.type !== 'file') continue; // a folder
    const file = checked(entry, connection, name);
    if (files.has(file.path)) throw malformed(connection, `a file of ${name} twice`, file.path);
    files.set(file.path, file);
    if (files.size > fileLimit)
      throw new LoranError('HUB_RESPONSE', `${name} has more than ${fileLimit} files; expected a model or a data set.`);
  }
  for (const file of files.keys())
    for (let slash = file.indexOf('/'); slash >= 0; slash = file.indexOf('/', slash + 1))
      if (files.has(file.slice(0, slash)))
        throw malformed(connection, `a path of ${name} that is both a file and a folder`, file.slice(0, slash));
  return [...files.values()];
}

/** Runs a question of the library, which takes what comes for an answer of the hub and stumbles over what is not. */
export async function understood<T>(connection: Connection, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
    throw new LoranError(
      'HUB_RESPONSE',
      `${connection.endpoint} does not answer as the Hugging Face hub does: ${error.message}. Check HF_ENDPOINT.`,
      { cause: error },
    );
  }
}

/** Parameters that each question of the library takes. */
export function asked(
  repository: Repository,
  connection: Connection,
): { hubUrl: string; fetch: typeof fetch; accessToken?: string } {
  const token = connection.token === undefined ? {} : { accessToken: connection.token.value };
  return { hubUrl: connection.endpoint, fetch: hubFetch(connection, repository), ...token };
}

function checked({ path, size, oid, lfs }: ListFileEntry, connection: Connection, name: string): RepositoryFile {
  if (typeof path !== 'string' || !staysInside(path))
    throw malformed(connection, `a path in ${name} that leads out of it`, path);
  const bytes = lfs?.size ?? size;
  if (!Number.isSafeInteger(bytes) || bytes < 0) throw malformed(connection, `the size of ${path} in ${name}`, bytes);
  const [hash, digits] = lfs === undefined ? [oid, 40] : [lfs.oid, 64];
  if (typeof hash !== 'string' || !/^[0-9a-f]+$/.test(hash) || hash.length !== digits)
    throw malformed(connection, `the hash of ${path} in ${name}`, hash);
  return { path, bytes, hash, algorithm: lfs === undefined ? 'git hash' : 'sha256' };
}

function malformed(connection: Connection, what: string, value: unknown): LoranError {
  const shown = (JSON.stringify(value) as string | undefined)?.slice(0, 200) ?? 'nothing';
  return new LoranError(
    'HUB_RESPONSE',
    `${connection.endpoint} gave ${what} as ${shown}: this is no answer of the Hugging Face hub that can be used. Check HF_ENDPOINT.`,
  );
}
