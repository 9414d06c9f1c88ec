/** Repositories of the hub into the cache: a model, or chosen files of a model or data set. */
import { CacheFolder } from './cache-folder.js';
import { cachedSnapshot, hintAtCache } from './cached-snapshot.js';
import { fetchSnapshot, type DownloadProgress } from './fetch-snapshot.js';
import { matchingFiles, ggufFiles, modelFiles } from './model-files.js';
import { connect, type Connection, type HubOptions } from './hub-options.js';
import { commitOf, filesOf } from './repository-files.js';
import { repositoryFrom, type Repository, type RepositoryType } from './repository.js';

/** Files of a repository at one commit, on this machine. */
export interface Snapshot {
  /** The folder that holds them, as in the repository. */
  readonly folder: string;
  /** The commit, 40 hexadecimal digits. */
  readonly revision: string;
  /** Those that were asked for, as paths in `folder`, with `/` between folders. */
  readonly files: readonly string[];
}

export interface SnapshotOptions extends HubOptions {
  /** `organisation/name`, with `@revision` after it if wanted. */
  readonly repo: string;
  /** Default `model`. */
  readonly type?: RepositoryType | undefined;
  /** Branch, tag or commit. Default `main`. */
  readonly revision?: string | undefined;
  /** Patterns: `*` stands for any characters, also across folders. Default: everything. */
  readonly files?: readonly string[] | undefined;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
}

export interface ModelOptions extends Omit<SnapshotOptions, 'repo' | 'type'> {
  /** One GGUF file of the repository. A file that was split comes with all its parts. */
  readonly file?: string | undefined;
}

type Select = <File extends { path: string; bytes: number }>(files: readonly File[]) => File[];

/**
 * Fetches what is needed to run a model: configuration, tokenizer, and one set of safetensors; or the GGUF that `file` names; or
 * what matches `files`. What the cache holds is not fetched again.
 *
 * @throws LoranError `HUB_NO_WEIGHTS` where there are no safetensors, and what `downloadSnapshot` throws.
 */
export async function downloadModel(id: string, options: ModelOptions = {}): Promise<Snapshot> {
  const { file, files } = options;
  const repository = repositoryFrom(id, 'model', options.revision);
  return download(repository, options, (listed) => {
    if (file !== undefined) return ggufFiles(listed, repository.name, file);
    return files === undefined ? modelFiles(listed, repository.name) : matchingFiles(listed, repository.name, files);
  });
}

/**
 * Fetches the files of a repository that match `files`, into the cache that Python's huggingface_hub uses as well. Cut connections
 * are taken up again, what was fetched before is kept, and each file is checked against the hash that the hub gives.
 *
 * @throws LoranError `HUB_NOT_FOUND`, `HUB_GATED`, `HUB_UNAUTHORISED`, `HUB_OFFLINE`, `HUB_UNREACHABLE`, `HUB_CHECKSUM`,
 * `HUB_DISK_FULL`, `HUB_CACHE`, `HUB_NAME`, `HUB_ENDPOINT`, `HUB_RESPONSE`, `HUB_REFUSED`.
 */
export async function downloadSnapshot(options: SnapshotOptions): Promise<Snapshot> {
  const repository = repositoryFrom(options.repo, options.type ?? 'model', options.revision);
  const { files = ['*'] } = options;
  return download(repository, options, (listed) => matchingFiles(listed, repository.name, files));
}

/** A repository's files, without fetching any: to choose from. Offline, those of them that the cache holds. */
export async function listRepository(
  options: Omit<SnapshotOptions, 'files' | 'onProgress'>,
): Promise<{ revision: string; files: readonly { path: string; bytes: number }[] }> {
  const repository = repositoryFrom(options.repo, options.type ?? 'model', options.revision);
  const connection = connect(options);
  const cache = new CacheFolder(connection.cacheFolder, repository);
  if (connection.offline) {
    const { revision, files } = await cachedSnapshot(cache, repository, connection);
    return { revision, files };
  }
  return hintAtCache(cache, repository, async () => {
    const revision = await commitOf(repository, connection);
    const files = await filesOf(repository, revision, connection);
    return { revision, files: files.map(({ path, bytes }) => ({ path, bytes })) };
  });
}

async function download(repository: Repository, options: SnapshotOptionsOfAll, select: Select): Promise<Snapshot> {
  const connection: Connection = connect(options);
  const cache = new CacheFolder(connection.cacheFolder, repository);
  if (connection.offline) {
    const { revision, files } = await cachedSnapshot(cache, repository, connection, select);
    return { folder: cache.snapshot(revision), revision, files: files.map(({ path }) => path).sort() };
  }
  return hintAtCache(cache, repository, async () => {
    const revision = await commitOf(repository, connection);
    const files = select(await filesOf(repository, revision, connection));
    await fetchSnapshot({ repository, revision, files, cache, connection, onProgress: options.onProgress });
    return { folder: cache.snapshot(revision), revision, files: files.map(({ path }) => path).sort() };
  });
}

type SnapshotOptionsOfAll = HubOptions & Pick<SnapshotOptions, 'onProgress'>;
