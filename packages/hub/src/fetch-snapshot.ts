/** Files of one commit into the cache, a few at a time. */
import type { CacheFolder } from './cache-folder.js';
import { cacheFailure, requireSpace } from './cache-failure.js';
import { downloadBlob, isComplete } from './download-blob.js';
import type { Connection } from './hub-options.js';
import { bytesSoFar } from './partial-blob.js';
import type { RepositoryFile } from './repository-files.js';
import { fileAddress, type Repository } from './repository.js';

/** How far a download is. The first report of a file counts what an earlier download left of it: a rate is the growth since then. */
export interface DownloadProgress {
  /** Path in the repository. */
  readonly file: string;
  readonly loadedBytes: number;
  readonly totalBytes: number;
  /** Of all files that had to be fetched, this one included; files that the cache held whole are not among them. */
  readonly all: { readonly loadedBytes: number; readonly totalBytes: number };
}

const filesAtOnce = 4;

export interface FetchRequest {
  readonly repository: Repository;
  /** Commit. */
  readonly revision: string;
  readonly files: readonly RepositoryFile[];
  readonly cache: CacheFolder;
  readonly connection: Connection;
  readonly onProgress: ((progress: DownloadProgress) => void) | undefined;
}

export async function fetchSnapshot(request: FetchRequest): Promise<void> {
  const { repository, revision, files, cache, connection } = request;
  try {
    const missing = await missingOf(cache, revision, files);
    if (missing.length > 0) await requireSpace(cache.blobs, await bytesToFetch(cache, missing));
    await fetchAll(request, missing);
    for (const { path, hash } of files) await cache.link(revision, path, hash);
    // Last, so that a revision never stands for a snapshot that is not whole.
    await cache.setCommit(repository.revision, revision);
  } catch (error) {
    connection.signal?.throwIfAborted();
    throw cacheFailure(error, connection.cacheFolder);
  }
}

/** Files that the cache does not hold, neither as a blob nor, where links are impossible, as a file of the snapshot. */
async function missingOf(
  cache: CacheFolder,
  commit: string,
  files: readonly RepositoryFile[],
): Promise<RepositoryFile[]> {
  const here = await Promise.all(
    files.map(
      async ({ path, hash, bytes }) =>
        (await isComplete(cache.blob(hash), bytes)) || (await isComplete(cache.pointer(commit, path), bytes)),
    ),
  );
  return files.filter((_, index) => here[index] === false);
}

async function bytesToFetch(cache: CacheFolder, files: readonly RepositoryFile[]): Promise<number> {
  const there = await Promise.all(files.map(({ hash }) => bytesSoFar(cache.blob(hash))));
  return bytesOf(files) - there.reduce((sum, bytes) => sum + bytes, 0);
}

/** Small files first, so that a model can be looked at early; when one fails the others stop and keep what they have. */
async function fetchAll(request: FetchRequest, missing: readonly RepositoryFile[]): Promise<void> {
  const { repository, revision, cache, onProgress } = request;
  const stop = new AbortController();
  const { signal: given } = request.connection;
  const signal = given === undefined ? stop.signal : AbortSignal.any([given, stop.signal]);
  const connection = { ...request.connection, signal };
  const totalBytes = bytesOf(missing);
  const loaded = new Map<string, number>();
  let loadedBytes = 0;
  const queue = [...missing].sort((a, b) => a.bytes - b.bytes);

  const work = async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const { path, hash, bytes } = file;
      const address = fileAddress(connection.endpoint, repository, revision, path);
      await downloadBlob({ repository, file, address, blob: cache.blob(hash) }, connection, (now) => {
        loadedBytes += now - (loaded.get(path) ?? 0);
        loaded.set(path, now);
        onProgress?.({ file: path, loadedBytes: now, totalBytes: bytes, all: { loadedBytes, totalBytes } });
      });
    }
  };
  const workers = Array.from({ length: Math.min(filesAtOnce, queue.length) }, work);
  try {
    await Promise.all(workers);
  } catch (error) {
    stop.abort();
    await Promise.allSettled(workers);
    throw error;
  }
}

function bytesOf(files: readonly RepositoryFile[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}
