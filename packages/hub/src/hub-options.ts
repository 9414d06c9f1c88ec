/**
 * Where the hub is and how it is asked: options of a call on top of the environment that Python's huggingface_hub reads
 * (`HF_ENDPOINT`, `HF_TOKEN`, `HF_HUB_OFFLINE`, `HF_HOME`, `HF_HUB_CACHE`, `XDG_CACHE_HOME`).
 */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { getHFHubCachePath } from '@huggingface/hub';
import { LoranError } from '@loran/plugin';

/** Options that every call to the hub takes. */
export interface HubOptions {
  /** Address of the hub or of a mirror. Default `HF_ENDPOINT`, else https://huggingface.co. */
  readonly endpoint?: string | undefined;
  /** Access token (`hf_…`). Default `HF_TOKEN`, else the file that `hf auth login` writes. */
  readonly token?: string | undefined;
  /** Use only what is in the cache. Default: whether `HF_HUB_OFFLINE` is 1. */
  readonly offline?: boolean | undefined;
  /** The cache. Default `HF_HUB_CACHE`, else `HF_HOME/hub`, else ~/.cache/huggingface/hub. */
  readonly cacheFolder?: string | undefined;
  /** Stops the call; a download that was stopped goes on where it was when it is asked for again. */
  readonly signal?: AbortSignal | undefined;
  /** How often a connection is tried again without getting further, for a file; questions are asked at most 3 times. Default 6. */
  readonly attempts?: number | undefined;
  /** Milliseconds before the second attempt; doubled for each further one, at most 8 s. Default 500. */
  readonly retryDelayMs?: number | undefined;
  /** Milliseconds without a byte after which a connection counts as cut. Default 30 000. */
  readonly timeoutMs?: number | undefined;
}

/** A token and where it came from, for messages: a token itself is never shown. */
export interface Token {
  readonly value: string;
  readonly from: string;
}

/** The options with every gap filled. */
export interface Connection {
  readonly endpoint: string;
  readonly token: Token | undefined;
  readonly offline: boolean;
  readonly cacheFolder: string;
  readonly signal: AbortSignal | undefined;
  readonly attempts: number;
  readonly retryDelayMs: number;
  readonly timeoutMs: number;
}

export function connect(options: HubOptions): Connection {
  return {
    endpoint: endpointFrom(options.endpoint ?? setting('HF_ENDPOINT') ?? 'https://huggingface.co'),
    token: findToken(options.token),
    offline: options.offline ?? isTrue(setting('HF_HUB_OFFLINE') ?? setting('TRANSFORMERS_OFFLINE')),
    cacheFolder: path.resolve(expandHome(options.cacheFolder ?? getHFHubCachePath())),
    signal: options.signal,
    attempts: Math.max(1, options.attempts ?? 6),
    retryDelayMs: options.retryDelayMs ?? 500,
    timeoutMs: options.timeoutMs ?? 30_000,
  };
}

function endpointFrom(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.search !== '' || url.username !== '')
    throw new LoranError(
      'HUB_ENDPOINT',
      `The hub's address (the endpoint option or HF_ENDPOINT) is ${JSON.stringify(text)}; expected one such as https://huggingface.co.`,
    );
  return text.replace(/\/+$/, '');
}

/** The token by the order that Python's library has: the call's own, the environment, the file that a login wrote. */
function findToken(given: string | undefined): Token | undefined {
  const home = process.env['HF_HOME'] ?? path.join(process.env['XDG_CACHE_HOME'] ?? '~/.cache', 'huggingface');
  const file = expandHome(process.env['HF_TOKEN_PATH'] ?? path.join(home, 'token'));
  const sources: readonly (readonly [string, () => string | undefined])[] = [
    ['the token option', () => given],
    ['HF_TOKEN', () => process.env['HF_TOKEN'] ?? process.env['HUGGING_FACE_HUB_TOKEN']],
    [file, () => readIfThere(file)],
  ];
  for (const [from, read] of sources) {
    const value = read()?.trim();
    if (value === undefined || value === '') continue;
    if (!/^hf_[\w-]+$/.test(value))
      throw new LoranError(
        'HUB_UNAUTHORISED',
        `The access token from ${from} does not look like one: expected hf_ and then letters and digits. Make one at https://huggingface.co/settings/tokens.`,
      );
    return { value, from };
  }
  return undefined;
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined; // no login on this machine, or none that we may read
  }
}

/** An empty variable counts as none. */
function setting(name: string): string | undefined {
  const value = process.env[name];
  return value === '' ? undefined : value;
}

function isTrue(value: string | undefined): boolean {
  return ['1', 'ON', 'YES', 'TRUE'].includes((value ?? '').toUpperCase());
}

function expandHome(folder: string): string {
  return folder === '~' || folder.startsWith('~/') ? path.join(homedir(), folder.slice(1)) : folder;
}
