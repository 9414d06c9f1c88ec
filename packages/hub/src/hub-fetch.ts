/**
 * The `fetch` that is handed to @huggingface/hub for its questions and uploads. The library asks once and reads all that comes;
 * this adds attempts, a limit on silence and on the size of answers, and turns refusals into errors that say what to do.
 */
import { LoranError } from '@loran/plugin';
import { retrying, withSilenceLimit } from './attempts.js';
import { CountedBlob } from './counted-blob.js';
import { isTemporary, refusal, temporaryAnswer } from './hub-answer.js';
import type { Connection } from './hub-options.js';
import type { Repository } from './repository.js';
import { version } from './version.js';

export const userAgent = `loran/${version}`;

/** A page of a listing has 1000 files, some 300 kB. */
const answerLimit = 64 << 20;
/** Requests of one call: a listing whose pages lead back to themselves ends here. */
const requestLimit = 10_000;
/** A conflict has a meaning that only the caller knows. */
const conflict = 409;

export function hubFetch(connection: Connection, repository: Repository): typeof fetch {
  let requests = 0;
  return async (input, init = {}) => {
    if (++requests > requestLimit) throw endless(connection, `a listing of more than ${requestLimit} pages`);
    const url = String(input instanceof Request ? input.url : input);
    const own = new URL(url).origin === new URL(connection.endpoint).origin;
    // A commit that was made although the answer was lost would be made twice.
    const once = init.method === 'POST' && /\/commit\/[^/]*$/.test(new URL(url).pathname);
    // Storage puts parts together, and the hub makes a commit of many files, before they say a word.
    const patient = init.method === 'POST' ? { ...connection, timeoutMs: 4 * connection.timeoutMs } : connection;
    return retrying(connection, once ? 1 : Math.min(3, connection.attempts), () =>
      withSilenceLimit(patient, async (silence, touch) => {
        const signal = init.signal == null ? silence : AbortSignal.any([silence, init.signal]);
        const response = await fetch(url, { ...init, ...request(init, own, touch), signal });
        const body = await readAnswer(response, touch, connection);
        if (isTemporary(response.status)) throw temporaryAnswer(response);
        if (own && !response.ok && response.status !== conflict)
          throw refusal(response, new TextDecoder().decode(body), connection, repository);
        const { status, headers } = response;
        return new Response(status === 204 || status === 304 ? null : body, { status, headers });
      }),
    );
  };
}

/** Headers without the token for any other host; a body that reports what of it was sent. */
function request(init: RequestInit, own: boolean, touch: () => void): RequestInit {
  const headers = new Headers(init.headers);
  headers.set('user-agent', userAgent);
  if (!own) headers.delete('authorization');
  if (!(init.body instanceof Blob)) return { headers };
  const { progressHint: hint } = init as {
    progressHint?: { progressCallback?: (share: number) => void; part?: number };
  };
  const { size } = init.body;
  const body = new CountedBlob(init.body, (sent) => {
    touch();
    // The parts of one file report shares of themselves, which would have to be summed: they count when they are done.
    if (hint?.part === undefined && size > 0) hint?.progressCallback?.(Math.min(sent / size, 0.999));
  });
  return { headers, body };
}

async function readAnswer(
  response: Response,
  touch: () => void,
  connection: Connection,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    touch();
    bytes += chunk.length;
    if (bytes > answerLimit) throw endless(connection, `an answer of more than ${answerLimit >> 20} MiB`);
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

function endless(connection: Connection, what: string): LoranError {
  return new LoranError(
    'HUB_RESPONSE',
    `${connection.endpoint} sent ${what}; expected the API of the Hugging Face hub. Check HF_ENDPOINT.`,
  );
}
