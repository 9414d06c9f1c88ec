/** A folder onto the hub, as one commit; the repository is made where there is none. */
import { pathToFileURL } from 'node:url';
import {
  commitIter,
  createRepo,
  HubApiError,
  modelInfo,
  datasetInfo,
  whoAmI,
  type CommitOutput,
} from '@huggingface/hub';
import { LoranError } from '@loran/plugin';
import { folderFiles, type FolderFile } from './folder-files.js';
import { matchesAny } from './file-patterns.js';
import { connect, type Connection, type HubOptions } from './hub-options.js';
import { asked, understood } from './repository-files.js';
import { pageOf, repositoryFrom, type Repository, type RepositoryType } from './repository.js';

export interface UploadOptions extends Omit<HubOptions, 'offline' | 'cacheFolder'> {
  /** Its files become the repository's; what else the repository has stays. */
  readonly folder: string;
  /** `organisation/name`, or a name in the account of the token; `@branch` after it if wanted. */
  readonly repo: string;
  /** Default `model`. */
  readonly type?: RepositoryType | undefined;
  /** Patterns of what to upload, as for `downloadSnapshot`. Default: all but what tools keep for themselves, such as .git. */
  readonly files?: readonly string[] | undefined;
  /** Whether a repository that has to be made is private. Default: as the account has it, public as a rule. */
  readonly private?: boolean | undefined;
  /** First line of the commit. */
  readonly message?: string | undefined;
  readonly onProgress?: ((progress: UploadProgress) => void) | undefined;
}

/** How far an upload is. Large files are hashed before they are sent. */
export interface UploadProgress {
  readonly file: string;
  readonly phase: 'hashing' | 'uploading';
  readonly loadedBytes: number;
  readonly totalBytes: number;
  /** Sent, of all files. */
  readonly all: { readonly loadedBytes: number; readonly totalBytes: number };
}

/** What was uploaded. */
export interface Upload {
  /** `organisation/name`. */
  readonly repo: string;
  /** Address of the commit. */
  readonly url: string;
  /** The commit, 40 hexadecimal digits. */
  readonly revision: string;
  readonly files: readonly string[];
}

/**
 * Uploads a folder: an adapter or a merged model with its card. Large files go to the hub's LFS storage. Nothing is visible
 * before the commit at the end.
 *
 * @throws LoranError `HUB_FOLDER`, `HUB_UNAUTHORISED`, `HUB_UNREACHABLE`, `HUB_REFUSED`, `HUB_OFFLINE`, `HUB_NAME`.
 */
export async function uploadFolder(options: UploadOptions): Promise<Upload> {
  const connection = connect(options);
  connection.signal?.throwIfAborted();
  const target = repositoryFrom(options.repo, options.type ?? 'model', undefined);
  const all = await folderFiles(options.folder);
  const { files: patterns } = options;
  const files = patterns === undefined ? all : all.filter(({ path }) => matchesAny(path, patterns));
  if (files.length === 0)
    throw new LoranError('HUB_FOLDER', `No file of ${options.folder} matches ${patterns?.join(', ') ?? ''}.`);
  if (connection.offline)
    throw new LoranError('HUB_OFFLINE', `Offline: nothing can be uploaded to ${target.name}. Unset HF_HUB_OFFLINE.`);
  if (connection.token === undefined)
    throw new LoranError(
      'HUB_UNAUTHORISED',
      `Uploading to ${connection.endpoint} needs an access token with write access: make one at ${connection.endpoint}/settings/tokens and set HF_TOKEN.`,
    );
  try {
    return await understood(connection, async () => {
      const repository = await ownName(target, connection);
      await makeRepository(repository, connection, options.private);
      const { commit } = await commitFiles(repository, files, connection, options);
      return { repo: repository.name, url: commit.url, revision: commit.oid, files: files.map(({ path }) => path) };
    });
  } catch (error) {
    connection.signal?.throwIfAborted();
    if (!(error instanceof HubApiError)) throw error;
    throw new LoranError(
      'HUB_REFUSED',
      `${pageOf(connection.endpoint, target)} did not take the files: ${error.message}`,
      {
        cause: error,
      },
    );
  }
}

/** A name without an organisation is one of the user's own. */
async function ownName(repository: Repository, connection: Connection): Promise<Repository> {
  if (repository.name.includes('/')) return repository;
  const { accessToken = '', ...question } = asked(repository, connection);
  const { name } = await whoAmI({ ...question, accessToken });
  return repositoryFrom(`${name}/${repository.name}`, repository.type, repository.revision);
}

async function makeRepository(
  repository: Repository,
  connection: Connection,
  isPrivate: boolean | undefined,
): Promise<void> {
  const { name, type } = repository;
  const { accessToken = '', ...question } = asked(repository, connection);
  try {
    if (type === 'model') await modelInfo({ ...question, accessToken, name });
    else await datasetInfo({ ...question, accessToken, name });
    return;
  } catch (error) {
    if (!LoranError.is(error, 'HUB_NOT_FOUND')) throw error;
  }
  const visibility =
    isPrivate === undefined ? {} : { visibility: isPrivate ? ('private' as const) : ('public' as const) };
  try {
    await createRepo({ ...question, accessToken, repo: { name, type }, ...visibility });
  } catch (error) {
    // Made by somebody else since we looked.
    if (!(error instanceof HubApiError && error.statusCode === 409)) throw error;
  }
}

async function commitFiles(
  repository: Repository,
  files: readonly FolderFile[],
  connection: Connection,
  { message, onProgress }: UploadOptions,
): Promise<CommitOutput> {
  const { name, type, revision } = repository;
  const report = progressOf(files, onProgress);
  const steps = commitIter({
    ...asked(repository, connection),
    repo: { name, type },
    branch: revision,
    title: message ?? `Upload ${files.length} ${files.length === 1 ? 'file' : 'files'} with loran`,
    operations: files.map(({ path, source }) => ({
      operation: 'addOrUpdate',
      path,
      content: pathToFileURL(source),
    })),
    // The hub's LFS protocol, which mirrors and the tests' server speak as well.
    useXet: false,
    ...(connection.signal === undefined ? {} : { abortSignal: connection.signal }),
  });
  for (;;) {
    const { done, value } = await steps.next();
    if (done === true) {
      if (value === undefined)
        throw new LoranError('HUB_RESPONSE', `${connection.endpoint} did not say which commit it made of ${name}.`);
      for (const { path } of files) report(path, 'uploading', 1);
      return value;
    }
    if (value.event === 'fileProgress' && value.state !== 'error') report(value.path, value.state, value.progress);
  }
}

function progressOf(files: readonly FolderFile[], onProgress: UploadOptions['onProgress']) {
  const sizes = new Map(files.map(({ path, bytes }) => [path, bytes]));
  const totalBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const sent = new Map<string, number>();
  return (file: string, phase: UploadProgress['phase'], share: number) => {
    const bytes = sizes.get(file);
    if (bytes === undefined || onProgress === undefined || (phase === 'uploading' && sent.get(file) === bytes)) return;
    const loadedBytes = Math.round(share * bytes);
    if (phase === 'uploading') sent.set(file, loadedBytes);
    const all = { loadedBytes: [...sent.values()].reduce((sum, value) => sum + value, 0), totalBytes };
    onProgress({ file, phase, loadedBytes, totalBytes: bytes, all });
  };
}
