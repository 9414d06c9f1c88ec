/**
 * One cache of the hub for Python's huggingface_hub and @loran/hub: each fetches from a server on this machine, and the other finds
 * the same files without asking anybody.
 *
 *   npx tsx --conditions=@loran/source tools/parity/hub-cache.ts [--python python3]
 *
 * Exits with 1 when the two do not see the same.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { downloadSnapshot, type Snapshot } from '@loran/hub';

const here = path.dirname(fileURLToPath(import.meta.url));
const { values } = parseArgs({ options: { python: { type: 'string', default: 'python3' } } });
const repositories = { model: { repo: 'org/tiny' }, dataset: { repo: 'org/rows', type: 'dataset' } } as const;

/** What a side saw: content hashes by path. */
type Seen = Record<keyof typeof repositories, Record<string, string>>;

const folder = await mkdtemp(path.join(tmpdir(), 'loran-hub-cache-'));
const fixtures = path.join(here, '../../packages/hub/src/__fixtures__');
const server = spawn(process.execPath, ['--import', 'tsx', path.join(fixtures, 'serve-hub.ts')], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
try {
  const [line] = (await once(server.stdout, 'data')) as [Buffer];
  const endpoint = line.toString().trim();
  const ours = path.join(folder, 'ours');
  const theirs = path.join(folder, 'theirs');
  const fetched = await see({ endpoint, cacheFolder: path.join(ours, 'hub') });
  const found = python('find', { HF_HOME: ours, HF_ENDPOINT: 'http://127.0.0.1:9', HF_HUB_OFFLINE: '1' });
  const made = python('fetch', { HF_HOME: theirs, HF_ENDPOINT: endpoint });
  const read = await see({ offline: true, cacheFolder: path.join(theirs, 'hub') });
  const agree = [fetched, found, made, read].every((seen) => isDeepStrictEqual(seen, fetched));
  const count = Object.values(fetched).reduce((sum, files) => sum + Object.keys(files).length, 0);
  console.log(
    `Python finds what @loran/hub fetched, and the other way round: ${count} files, ${agree ? 'equal' : 'NOT equal'}`,
  );
  process.exitCode = agree ? 0 : 1;
} finally {
  server.kill();
  await rm(folder, { recursive: true });
}

async function see(options: object): Promise<Seen> {
  const [model, dataset] = await Promise.all(
    [repositories.model, repositories.dataset].map(async (repository) =>
      contents(await downloadSnapshot({ ...repository, ...options })),
    ),
  );
  return { model: model!, dataset: dataset! };
}

async function contents({ folder: snapshot, files }: Snapshot): Promise<Record<string, string>> {
  const entries = files.map(async (file): Promise<[string, string]> => {
    const content = await readFile(path.join(snapshot, file));
    return [file, createHash('sha256').update(content).digest('hex')];
  });
  return Object.fromEntries(await Promise.all(entries));
}

function python(what: 'find' | 'fetch', settings: Record<string, string>): Seen {
  const { status, stdout, stderr } = spawnSync(values.python, [path.join(here, 'hub_cache.py'), what], {
    encoding: 'utf8',
    env: { ...process.env, HF_HUB_DISABLE_XET: '1', ...settings },
  });
  if (status !== 0) throw new Error(`hub_cache.py ${what} failed:\n${stderr}`);
  const {
    model,
    dataset,
    config,
    repositories: known,
    warnings,
  } = JSON.parse(stdout) as Seen & Record<string, unknown>;
  if (
    config !== 'config.json' ||
    !isDeepStrictEqual(known, ['dataset org/rows', 'model org/tiny']) ||
    String(warnings) !== ''
  )
    throw new Error(`hub_cache.py ${what} saw ${stdout}`);
  return { model, dataset };
}
