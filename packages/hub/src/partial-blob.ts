/**
 * The part of a blob that has been fetched so far. Its writer alone knows its name:
 *
 *   <hash>.incomplete                             left by a download that was stopped; free to take
 *   <hash>.<machine>-<process>-<number>.incomplete  being written
 *
 * Renaming takes and gives back, so no two processes write one file, and no lock can be left behind: a part is free again when
 * its process is gone, or when it has been silent for far longer than a connection may be.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const machine = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
const pollMs = 200;

/** How long a writer may leave its file untouched; each attempt touches it. */
const silentMs = 180_000;

/**
 * Takes the part of `blob` that is there, or an empty one. While another process fetches the same blob, waits for it.
 * Returns the file to append to, or undefined when the blob has been completed meanwhile.
 */
export async function takePartial(
  blob: string,
  isComplete: () => Promise<boolean>,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  await mkdir(path.dirname(blob), { recursive: true });
  const mine = `${blob}.${machine}-${process.pid}-${randomBytes(4).toString('hex')}.incomplete`;
  for (;;) {
    signal?.throwIfAborted();
    if (await isComplete()) return undefined;
    const parts = await partsOf(blob);
    if (parts.some(({ taken }) => taken)) {
      await sleep(pollMs);
      continue;
    }
    const [largest] = parts.sort((a, b) => b.bytes - a.bytes);
    if (largest === undefined) await writeFile(mine, '', { flag: 'wx' });
    else if (!(await renamed(largest.file, mine))) continue; // another process was faster
    await touch(mine);
    // Two that looked at the same moment see each other now: the one whose name sorts first goes on.
    const rival = (await partsOf(blob)).find(({ file, taken }) => taken && file !== mine);
    if (rival === undefined || mine < rival.file) return mine;
    await returnPartial(mine, blob);
  }
}

/** Leaves a part for the next download of the same blob. */
export async function returnPartial(mine: string, blob: string): Promise<void> {
  const found = await stat(mine).catch(() => undefined);
  if (found === undefined) return;
  if (found.size === 0) await rm(mine, { force: true });
  else await renamed(mine, `${blob}.incomplete`);
}

/** How much of a blob is there for the next download to go on from. */
export async function bytesSoFar(blob: string): Promise<number> {
  return Math.max(0, ...(await partsOf(blob)).map(({ bytes }) => bytes));
}

/** Says that the writer is still there. */
export async function touch(mine: string): Promise<void> {
  const now = new Date();
  await utimes(mine, now, now);
}

interface Part {
  readonly file: string;
  readonly bytes: number;
  readonly taken: boolean;
}

async function partsOf(blob: string): Promise<Part[]> {
  const name = path.basename(blob);
  const own = /^\.([0-9a-f]{8})-(\d+)-[0-9a-f]{8}\.incomplete$/;
  const parts = await Promise.all(
    (await readdir(path.dirname(blob)).catch(() => []))
      .filter((entry) => entry.startsWith(name))
      .map(async (entry): Promise<Part[]> => {
        const suffix = entry.slice(name.length);
        const [, host, id] = own.exec(suffix) ?? [];
        // Python's library has names of its own for what it is writing, not always from front to back: those are left alone.
        if (suffix !== '.incomplete' && host === undefined) return [];
        const file = path.join(path.dirname(blob), entry);
        const found = await stat(file).catch(() => undefined);
        if (found === undefined) return [];
        const taken =
          host !== undefined &&
          Date.now() - found.mtimeMs < silentMs &&
          (host !== machine || Number(id) === process.pid || isRunning(Number(id)));
        return [{ file, bytes: found.size, taken }];
      }),
  );
  return parts.flat();
}

function isRunning(id: number): boolean {
  try {
    process.kill(id, 0);
    return true;
  } catch (error) {
    return (error as { code?: unknown }).code === 'EPERM'; // somebody else's
  }
}

async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return false;
    throw error;
  }
}
