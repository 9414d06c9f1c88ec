/**
 * Lines of a text file, streamed: plain or gzip, found by its first bytes and not by its name.
 *
 * Encoding: UTF-8, with or without a byte order mark. Anything else is an error that names the line: a text with replacement
 * characters would train without complaint on what nobody wrote.
 * Memory: one line and one block of the file at a time.
 */
import { isUtf8, constants } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { DatasetError } from './dataset-error.js';

export interface TextLine {
  /** Without the '\n'; a '\r' before it is left to the format. */
  readonly text: string;
  /** Counted from 1. */
  readonly line: number;
}

const newline = 0x0a;
const blockBytes = 1 << 18;

/** All lines of `file`, blank ones too; a last line needs no newline. `limit`: bytes in one line, at most the longest string of JavaScript. */
export async function* readLines(file: string, { limit = constants.MAX_STRING_LENGTH } = {}): AsyncGenerator<TextLine> {
  let line = 1;
  let pending: Buffer[] = [];
  let pendingBytes = 0;

  const finish = (end: Buffer): TextLine => {
    if (pendingBytes + end.length > limit) throw tooLong(file, line, limit);
    const bytes = pending.length === 0 ? end : Buffer.concat([...pending, end]);
    pending = [];
    pendingBytes = 0;
    return { text: decode(bytes, file, line), line: line++ };
  };
  const hold = (bytes: Buffer): void => {
    pendingBytes += bytes.length;
    if (pendingBytes > limit) throw tooLong(file, line, limit);
    if (bytes.length > 0) pending.push(bytes);
  };

  for await (const block of readBytes(file, () => line)) {
    let start = 0;
    for (let end = block.indexOf(newline); end !== -1; end = block.indexOf(newline, start)) {
      yield finish(block.subarray(start, end));
      start = end + 1;
    }
    hold(block.subarray(start));
  }
  if (pending.length > 0) yield finish(Buffer.alloc(0));
}

/** The bytes of `file`, decompressed if they are gzip. `line` tells how far the reader is, for errors. */
async function* readBytes(file: string, line: () => number): AsyncGenerator<Buffer> {
  const gzip = await isGzip(file);
  const source = createReadStream(file, { highWaterMark: blockBytes });
  // pipeline destroys both streams with the error of either, so the loop below meets every failure
  const stream = gzip ? pipeline(source, createGunzip({ chunkSize: blockBytes }), () => {}) : source;
  try {
    for await (const block of stream) yield block as Buffer;
  } catch (cause) {
    throw gzip && isZlibError(cause) ? brokenGzip(file, line(), cause) : unreadable(file, cause);
  } finally {
    source.destroy();
  }
}

async function isGzip(file: string): Promise<boolean> {
  try {
    const handle = await open(file);
    try {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0);
      return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

function decode(bytes: Buffer, file: string, line: number): string {
  const marked = line === 1 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  const content = marked ? bytes.subarray(3) : bytes;
  if (!isUtf8(content)) throw notUtf8(content, file, line);
  return content.toString('utf8');
}

function notUtf8(bytes: Buffer, file: string, line: number): DatasetError {
  const utf16 = line === 1 && ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff));
  const offset = firstInvalid(bytes);
  const value = bytes[offset]!.toString(16).padStart(2, '0');
  return new DatasetError({
    code: 'DATASET_ENCODING',
    file,
    line,
    found: utf16 ? 'the file is UTF-16' : `byte 0x${value} at column ${offset + 1} is not UTF-8`,
    expected: 'UTF-8',
    advice: `Convert the file first, for example: iconv -f ${utf16 ? 'UTF-16' : 'WINDOWS-1252'} -t UTF-8 old > new`,
  });
}

/** Offset of the first byte that starts no valid character: bisection on the prefixes, then back to where the character began. */
function firstInvalid(bytes: Buffer): number {
  let valid = 0;
  let invalid = bytes.length + 1; // past the end: the last character may be incomplete
  while (invalid - valid > 1) {
    const middle = (valid + invalid) >> 1;
    if (validPrefix(bytes.subarray(0, middle)) !== undefined) valid = middle;
    else invalid = middle;
  }
  return Buffer.byteLength(validPrefix(bytes.subarray(0, valid)) ?? '');
}

/** The complete characters of `bytes`, which may break off inside one; undefined if they are not UTF-8. */
function validPrefix(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: true });
  } catch {
    return undefined;
  }
}

function isZlibError(cause: unknown): cause is Error & { code: string } {
  const code = (cause as { code?: unknown }).code;
  return typeof code === 'string' && code.startsWith('Z_');
}

function brokenGzip(file: string, line: number, cause: Error & { code: string }): DatasetError {
  const truncated = cause.code === 'Z_BUF_ERROR';
  return new DatasetError({
    code: 'DATASET_TRUNCATED',
    file,
    line,
    found: truncated
      ? 'the gzip data end here, in the middle of the stream'
      : `the gzip data are damaged here (${cause.message})`,
    expected: 'a complete gzip file',
    advice: 'Download or compress the file again',
    cause,
  });
}

function unreadable(file: string, cause: unknown): DatasetError {
  const code = (cause as { code?: string }).code;
  const found =
    code === 'ENOENT'
      ? 'no such file'
      : code === 'EISDIR'
        ? 'this is a folder'
        : `the file cannot be read (${(cause as Error).message})`;
  return new DatasetError({
    code: 'DATASET_FILE_UNREADABLE',
    file,
    found,
    expected: 'a dataset file that this process may read',
    cause,
  });
}

function tooLong(file: string, line: number, limit: number): DatasetError {
  return new DatasetError({
    code: 'DATASET_LINE_TOO_LONG',
    file,
    line,
    found: `the line is longer than ${limit} bytes`,
    expected: 'one example a line',
    advice: 'If the file is one large JSON array, turn it into lines: jq -c ".[]" old > new',
  });
}
