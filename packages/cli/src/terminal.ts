import type { PhaseBar } from '@loran/trainer';

/** Where a command writes: results on `out`, progress and errors on `err`. */
export interface Terminal {
  readonly out: NodeJS.WritableStream;
  readonly err: NodeJS.WriteStream | NodeJS.WritableStream;
  /** What a user types; default stdin. */
  readonly input?: NodeJS.ReadableStream;
  /** The time in milliseconds, by which progress is drawn; default performance.now. */
  readonly now?: () => number;
}

/** A terminal with the line on `err` that says what goes on; who writes beside it while it may stand clears it first. */
export interface Screen extends Terminal {
  readonly bar: PhaseBar;
}

export const processTerminal: Terminal = { out: process.stdout, err: process.stderr };

export function line(stream: NodeJS.WritableStream, text: string): void {
  stream.write(`${text}\n`);
}
