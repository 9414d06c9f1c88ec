/** Where a command writes: results on `out`, progress and errors on `err`. */
export interface Terminal {
  readonly out: NodeJS.WritableStream;
  readonly err: NodeJS.WriteStream | NodeJS.WritableStream;
  /** What a user types; default stdin. */
  readonly input?: NodeJS.ReadableStream;
}

export const processTerminal: Terminal = { out: process.stdout, err: process.stderr };

export function line(stream: NodeJS.WritableStream, text: string): void {
  stream.write(`${text}\n`);
}
