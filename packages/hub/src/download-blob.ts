/**
 * One file of the hub into one blob of the cache: goes on where an earlier download stopped, survives cut connections, and is put in
 * place only when all bytes are there and have the hash that the hub gave for them.
 */
import type { Hash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { open, rename, stat, truncate } from 'node:fs/promises';
import { LoranError } from '@loran/plugin';
import { retrying, withSilenceLimit } from './attempts.js';
import { isTemporary, refusal, TemporaryFailure, temporaryAnswer } from './hub-answer.js';
import { userAgent } from './hub-fetch.js';
import type { Connection } from './hub-options.js';
import { returnPartial, takePartial, touch } from './partial-blob.js';
import { startHash, type RepositoryFile } from './repository-files.js';
import type { Repository } from './repository.js';

export interface BlobRequest {
  readonly repository: Repository;
  readonly file: RepositoryFile;
  readonly address: string;
  /** Where the blob shall be. */
  readonly blob: string;
}

/** What has been written so far, and its hash as far as that. */
interface Progress {
  readonly partial: string;
  bytes: number;
  hash: Hash;
}

/** Fetches a blob unless it is there. `onBytes` gets how many bytes there are, at first those of an earlier download. */
export async function downloadBlob(
  request: BlobRequest,
  connection: Connection,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const { file, blob } = request;
  const partial = await takePartial(blob, () => isComplete(blob, file.bytes), connection.signal);
  if (partial === undefined) {
    onBytes(file.bytes);
    return;
  }
  try {
    const progress = await readPartial(partial, file);
    // A wrong hash may be the fault of what an earlier download left; after a second one from the first byte on, it is not.
    for (const again of [true, false]) {
      onBytes(progress.bytes);
      await retrying(
        connection,
        connection.attempts,
        () => fetchRest(request, connection, progress, onBytes),
        () => progress.bytes,
      );
      const found = progress.hash.digest('hex');
      if (found === file.hash) break;
      await restart(progress, file);
      if (!again) throw wrongContent(request, `its ${file.algorithm} is ${found}, expected ${file.hash}`);
    }
    await rename(partial, blob);
  } catch (error) {
    // After a long silence, such as a machine put to sleep, another process may have taken the part over.
    if ((error as { code?: unknown }).code === 'ENOENT') return downloadBlob(request, connection, onBytes);
    await returnPartial(partial, blob);
    throw error;
  }
}

export async function isComplete(blob: string, bytes: number): Promise<boolean> {
  const found = await stat(blob).catch(() => undefined);
  return found?.isFile() === true && found.size === bytes;
}

async function readPartial(partial: string, file: RepositoryFile): Promise<Progress> {
  const progress: Progress = { partial, bytes: 0, hash: startHash(file) };
  for await (const chunk of createReadStream(partial) as AsyncIterable<Buffer>) {
    progress.hash.update(chunk);
    progress.bytes += chunk.length;
  }
  if (progress.bytes > file.bytes) await restart(progress, file);
  return progress;
}

async function restart(progress: Progress, file: RepositoryFile): Promise<void> {
  await truncate(progress.partial, 0);
  progress.bytes = 0;
  progress.hash = startHash(file);
}

/** One connection: appends what comes, and fails unless that completes the file. */
async function fetchRest(
  request: BlobRequest,
  connection: Connection,
  progress: Progress,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const { file } = request;
  if (progress.bytes === file.bytes) return;
  await touch(progress.partial);
  await withSilenceLimit(connection, async (signal, heard) => {
    const response = await ask(request, connection, progress.bytes, signal);
    if (!continues(response, progress.bytes)) {
      await restart(progress, file);
      // A server that knows no ranges sends the whole; anything else can't be used.
      if (response.status !== 200) {
        await response.body?.cancel();
        throw new TemporaryFailure(`another range than asked for, status ${response.status}`);
      }
    }
    const output = await open(progress.partial, constants.O_WRONLY | constants.O_APPEND);
    try {
      for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
        heard();
        if (progress.bytes + chunk.length > file.bytes) {
          await restart(progress, file);
          throw wrongContent(request, `more than the ${file.bytes} bytes came that the hub gives as its size`);
        }
        await output.appendFile(chunk);
        progress.hash.update(chunk);
        progress.bytes += chunk.length;
        onBytes(progress.bytes);
      }
      await output.datasync();
    } finally {
      await output.close();
    }
  });
  if (progress.bytes < file.bytes)
    throw new TemporaryFailure(`${file.path} ended after ${progress.bytes} of ${file.bytes} bytes`);
}

async function ask(
  { address, repository }: BlobRequest,
  connection: Connection,
  from: number,
  signal: AbortSignal,
): Promise<Response> {
  const headers = new Headers({ 'user-agent': userAgent, 'accept-encoding': 'identity' });
  // `fetch` drops this header where the hub sends us on to another host.
  if (connection.token !== undefined) headers.set('authorization', `Bearer ${connection.token.value}`);
  if (from > 0) headers.set('range', `bytes=${from}-`);
  const response = await fetch(address, { headers, signal });
  if (response.ok || response.status === 416) return response;
  const elsewhere = new URL(response.url).origin !== new URL(connection.endpoint).origin;
  // Storage that the hub sends us on to refuses addresses that have grown old: the next attempt gets a new one.
  if (elsewhere || isTemporary(response.status)) {
    await response.body?.cancel();
    throw temporaryAnswer(response);
  }
  throw refusal(response, (await response.text()).slice(0, 10_000), connection, repository);
}

/** Whether the body goes on at byte `from`. */
function continues(response: Response, from: number): boolean {
  if (from === 0) return response.status === 200;
  const start = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1];
  return response.status === 206 && Number(start) === from;
}

function wrongContent({ file, address }: BlobRequest, what: string): LoranError {
  return new LoranError(
    'HUB_CHECKSUM',
    `${file.path} from ${address} is not what the hub lists: ${what}. Nothing was kept; try again, and without HF_ENDPOINT or a proxy if one is between.`,
  );
}
