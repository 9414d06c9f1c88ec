/** What the cache can give without the hub, and what to say when it can't. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { LoranError } from '@loran/plugin';
import { cachedRepositories, type CacheFolder } from './cache-folder.js';
import type { Connection } from './hub-options.js';
import type { Repository } from './repository.js';

interface CachedFile {
  readonly path: string;
  readonly bytes: number;
}

/** The files of a cached snapshot that `select` chooses. @throws LoranError `HUB_OFFLINE` where they are not all there. */
export async function cachedSnapshot(
  cache: CacheFolder,
  repository: Repository,
  connection: Connection,
  select: (files: readonly CachedFile[]) => CachedFile[] = (files) => [...files],
): Promise<{ revision: string; files: readonly CachedFile[] }> {
  const { name, type, revision } = repository;
  const commit = await cache.commitOf(revision);
  if (commit === undefined) {
    const known = await cachedRepositories(connection.cacheFolder);
    const shown =
      known.length > 20 ? `${known.slice(0, 20).join(', ')} and ${known.length - 20} more` : known.join(', ');
    throw offline(
      `${type} ${name} at revision ${revision} is not in the cache ${connection.cacheFolder}, which has ${shown || 'nothing'}`,
    );
  }
  const present = await cache.filesOf(commit);
  const files = selected(present, select, `${type} ${name}`);
  const missing = await missingShards(cache.snapshot(commit), present, files);
  if (missing.length > 0)
    throw offline(`the cached copy of ${name} is not whole: ${missing.slice(0, 5).join(', ')} is missing`);
  return { revision: commit, files };
}

/** Runs `ask`; where the hub can't be reached, its error says whether the cache has a copy to go on with. */
export async function hintAtCache<T>(cache: CacheFolder, repository: Repository, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!LoranError.is(error, 'HUB_UNREACHABLE')) throw error;
    const commit = await cache.commitOf(repository.revision);
    const hint =
      commit === undefined
        ? `${repository.name} is not in the cache.`
        : `The cache has ${repository.name} at commit ${commit.slice(0, 12)}: to use that, ask offline (offline: true, --offline or HF_HUB_OFFLINE=1).`;
    throw new LoranError('HUB_UNREACHABLE', `${error.message} ${hint}`, { cause: error });
  }
}

function selected(
  present: CachedFile[],
  select: (files: readonly CachedFile[]) => CachedFile[],
  what: string,
): CachedFile[] {
  try {
    return select(present);
  } catch (error) {
    if (!LoranError.is(error)) throw error;
    throw offline(`the cached copy of ${what} lacks what is asked for: ${error.message}`, error);
  }
}

/** Shards that an index among the chosen files names and the snapshot lacks. */
async function missingShards(
  folder: string,
  present: readonly CachedFile[],
  chosen: readonly CachedFile[],
): Promise<string[]> {
  const there = new Set(present.map(({ path: file }) => file));
  const indices = chosen.filter(
    ({ path: file, bytes }) => file.endsWith('.safetensors.index.json') && bytes < 64 << 20,
  );
  const named = await Promise.all(
    indices.map(async ({ path: file }) => {
      const shards = shardsIn(await readFile(path.join(folder, file), 'utf8'));
      return shards.map((shard) => path.posix.join(path.posix.dirname(file), shard));
    }),
  );
  return [...new Set(named.flat())].filter((shard) => !there.has(shard)).sort();
}

/** An index that is no index is for the reader of the weights to refuse. */
function shardsIn(text: string): string[] {
  try {
    const { weight_map: map } = JSON.parse(text) as { weight_map?: unknown };
    return Object.values((map ?? {}) as object).filter((shard): shard is string => typeof shard === 'string');
  } catch {
    return [];
  }
}

function offline(what: string, cause?: unknown): LoranError {
  return new LoranError('HUB_OFFLINE', `Offline, and ${what}. Fetch it once without offline (HF_HUB_OFFLINE).`, {
    cause,
  });
}
