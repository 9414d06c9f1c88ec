/** What the hub's refusals and a broken network mean, as errors that say what to do. */
import { LoranError } from '@loran/plugin';
import type { Connection } from './hub-options.js';
import { pageOf, type Repository } from './repository.js';

/** A failure that may be gone at the next attempt. */
export class TemporaryFailure extends Error {
  readonly waitMs: number | undefined;

  constructor(message: string, options: { cause?: unknown; waitMs?: number | undefined } = {}) {
    super(message, { cause: options.cause });
    this.waitMs = options.waitMs;
  }
}

/** Whether this status tells of the server's state, not of the request. */
export function isTemporary(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

export function temporaryAnswer(response: Response): TemporaryFailure {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  const waitMs = seconds >= 0 ? Math.min(seconds, 60) * 1000 : undefined;
  return new TemporaryFailure(`status ${response.status}`, { waitMs });
}

/** The error for a status of 400-499 that came from the hub itself. `body` is its text, JSON as a rule. */
export function refusal(
  { status, headers }: Pick<Response, 'status' | 'headers'>,
  body: string,
  connection: Connection,
  repository: Repository,
): LoranError {
  const { token, endpoint } = connection;
  const { name, type, revision } = repository;
  const page = pageOf(endpoint, repository);
  const kind = headers.get('x-error-code');
  const said = saidBy(headers, body);
  const quote = said === '' ? '' : ` The hub says: ${said}`;

  if (kind === 'GatedRepo')
    return new LoranError(
      'HUB_GATED',
      `${name} is gated: open ${page} and accept its licence, then ${token === undefined ? 'set HF_TOKEN to an access token of that account' : `use an access token of the account that was let in (yours is from ${token.from})`}.${quote}`,
    );
  if (kind === 'RevisionNotFound')
    return new LoranError(
      'HUB_NOT_FOUND',
      `${name} has no revision ${JSON.stringify(revision)}; its branches and tags are listed at ${page}/tree/main.`,
    );
  if (kind === 'EntryNotFound')
    return new LoranError('HUB_NOT_FOUND', `A file of ${name} that the hub listed is not there.${quote}`);
  // Without a token the hub answers 401 for what does not exist, so as not to tell what is private.
  if (kind === 'RepoNotFound' || status === 404 || (status === 401 && token === undefined))
    return new LoranError(
      'HUB_NOT_FOUND',
      `There is no ${type} ${name} at ${endpoint}, or it is private: check the name${token === undefined ? '; for a private one set HF_TOKEN' : `; the access token from ${token.from} may not see it`}.`,
    );
  if (status === 401)
    return new LoranError(
      'HUB_UNAUTHORISED',
      `${endpoint} does not accept the access token${token === undefined ? '' : ` from ${token.from}`}: it may have expired. Make a new one at ${endpoint}/settings/tokens.${quote}`,
    );
  if (status === 403)
    return new LoranError(
      'HUB_UNAUTHORISED',
      `The access token${token === undefined ? '' : ` from ${token.from}`} does not allow this for ${name}: to upload, it needs write access to that namespace.${quote}`,
    );
  return new LoranError('HUB_REFUSED', `${endpoint} refused a request about ${name} with status ${status}.${quote}`);
}

/** After the last attempt. */
export function unreachable(connection: Connection, error: unknown): LoranError {
  const cause = rootCause(error);
  const hint = /CERT|TLS|SIGNATURE/.test(cause.code ?? '')
    ? ' If a proxy of yours signs connections, name its certificate in NODE_EXTRA_CA_CERTS.'
    : '';
  return new LoranError(
    'HUB_UNREACHABLE',
    `${new URL(connection.endpoint).host} cannot be reached: ${cause.message}. Check the network, or HF_ENDPOINT if you set it.${hint}`,
    { cause: error },
  );
}

/** `fetch` hides what went wrong a few causes deep. */
function rootCause(error: unknown): { code: string | undefined; message: string } {
  let deepest = error;
  for (let depth = 0; depth < 8 && deepest instanceof Error && deepest.cause != null; depth++) deepest = deepest.cause;
  if (deepest instanceof AggregateError && deepest.errors.length > 0) deepest = deepest.errors[0];
  const code = (deepest as { code?: unknown } | null)?.code;
  return {
    code: typeof code === 'string' ? code : undefined,
    message: deepest instanceof Error && deepest.message !== '' ? deepest.message : String(code ?? deepest),
  };
}

/** The hub's own words, short and without control characters, since they go to a terminal. */
function saidBy(headers: Headers, body: string): string {
  let said = headers.get('x-error-message') ?? '';
  if (said === '') {
    try {
      const { error, message } = JSON.parse(body) as { error?: unknown; message?: unknown };
      said = [error, message].find((text) => typeof text === 'string') ?? '';
    } catch {
      said = ''; // a page for people
    }
  }
  return said
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, 300);
}
