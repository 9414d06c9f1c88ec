/** Sends a file as a server does that knows ranges, or as one that fails in the ways of servers and networks. */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** What goes wrong with one answer. */
export interface Fault {
  /** Path in the repository. */
  readonly path: string;
  /** Cuts the connection after so many bytes of the body. */
  readonly cut?: number;
  /** Sends nothing more after so many bytes, and keeps the connection. */
  readonly stall?: number;
  /** Answers with this status alone. */
  readonly status?: number;
  /** Sends other bytes of the same length. */
  readonly corrupt?: boolean;
  /** Claims this length, whatever it sends. */
  readonly length?: number;
  /** Sends so many bytes more than the file has. */
  readonly more?: number;
  /** Sends the whole where a range was asked for. */
  readonly ignoreRange?: boolean;
  /** Answers a range with another one. */
  readonly shiftRange?: number;
}

export function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  content: Buffer,
  etag: string,
  fault: Fault | undefined,
): void {
  if (fault?.status !== undefined) {
    response.writeHead(fault.status, { 'retry-after': '0' }).end();
    return;
  }
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  const asked = range === null || fault?.ignoreRange === true ? undefined : Number(range[1]);
  if (asked !== undefined && asked >= content.length) {
    response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end('no such range');
    return;
  }
  const from = (asked ?? 0) + (asked === undefined ? 0 : (fault?.shiftRange ?? 0));
  const last = range?.[2] ? Number(range[2]) : content.length - 1;
  const bytes = altered(content.subarray(from, asked === undefined ? undefined : last + 1), fault);
  const headers: Record<string, string | number> = { etag: `"${etag}"`, 'accept-ranges': 'bytes' };
  headers['content-length'] = fault?.length ?? bytes.length;
  if (asked !== undefined) headers['content-range'] = `bytes ${from}-${last}/${content.length}`;
  response.writeHead(asked === undefined ? 200 : 206, headers);
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  const stop = fault?.cut ?? fault?.stall;
  if (stop === undefined) {
    // A length that the server itself does not keep to can only be sent below the HTTP library.
    if (fault?.length === undefined) response.end(bytes);
    else {
      response.flushHeaders();
      response.socket?.end(bytes);
    }
    return;
  }
  response.write(bytes.subarray(0, stop), () => {
    // Ended, not reset: a reset also drops what has come and was not read yet.
    if (fault?.cut !== undefined) response.socket?.end();
  });
}

function altered(bytes: Buffer, fault: Fault | undefined): Buffer {
  const changed = fault?.corrupt === true ? Buffer.from(bytes.map((byte) => byte ^ 1)) : bytes;
  return fault?.more === undefined ? changed : Buffer.concat([changed, Buffer.alloc(fault.more)]);
}
