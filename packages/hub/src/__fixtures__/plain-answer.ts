/** What a server of the hub's kind says and hears, apart from files. */
import type { IncomingMessage, ServerResponse } from 'node:http';

export function refuse(response: ServerResponse, status: number, code: string | undefined, error: string): void {
  if (code !== undefined) response.setHeader('x-error-code', code);
  response.setHeader('x-error-message', error);
  json(response, status, { error });
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

export async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export async function textOf(request: IncomingMessage): Promise<string> {
  return (await bytesOf(request)).toString('utf8');
}
