/** Trying again: delays that double, with a random part, and a limit on silence. */
import { setTimeout as sleep } from 'node:timers/promises';
import { TemporaryFailure, unreachable } from './hub-answer.js';
import type { Connection } from './hub-options.js';

/** An attempt that gets this many bytes further makes the count of failures start anew. */
const progressBytes = 1 << 20;

/**
 * Runs `attempt` until it succeeds, meets an error that another attempt would meet too, or has failed `limit` times in a row.
 * `reached` counts the bytes got so far: a cut connection that brought some is not a step towards giving up.
 */
export async function retrying<T>(
  connection: Connection,
  limit: number,
  attempt: () => Promise<T>,
  reached: () => number = () => 0,
): Promise<T> {
  let failures = 0;
  let before = reached();
  for (;;) {
    connection.signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      connection.signal?.throwIfAborted();
      if (!isNetworkFailure(error)) throw error;
      failures = reached() - before >= progressBytes ? 1 : failures + 1;
      before = reached();
      if (failures >= limit) throw unreachable(connection, error);
      const wanted = error instanceof TemporaryFailure ? error.waitMs : undefined;
      await pause(wanted ?? delay(connection.retryDelayMs, failures), connection.signal);
    }
  }
}

/** Calls `run` with a signal that aborts after `timeoutMs` without a call of `touch`, or when the user's does. */
export async function withSilenceLimit<T>(
  { timeoutMs, signal }: Connection,
  run: (signal: AbortSignal, touch: () => void) => Promise<T>,
): Promise<T> {
  const silence = new AbortController();
  const failure = new TemporaryFailure(`nothing came for ${timeoutMs / 1000} s`);
  const timer = setTimeout(() => silence.abort(failure), timeoutMs);
  try {
    const both = signal === undefined ? silence.signal : AbortSignal.any([signal, silence.signal]);
    return await run(both, () => timer.refresh());
  } catch (error) {
    throw silence.signal.aborted ? failure : error;
  } finally {
    clearTimeout(timer);
  }
}

/** `fetch` throws a TypeError with a cause where a connection fails, at once or in the middle of a body. */
function isNetworkFailure(error: unknown): boolean {
  return error instanceof TemporaryFailure || (error instanceof TypeError && error.cause !== undefined);
}

/** Half fixed, half random, so that many processes do not come back at the same moment. */
function delay(first: number, failures: number): number {
  const full = Math.min(first * 2 ** (failures - 1), 8000);
  return full / 2 + (Math.random() * full) / 2;
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  } catch {
    signal?.throwIfAborted();
  }
}
