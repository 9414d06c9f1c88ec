/** The program, run in this process. */
import { Writable } from 'node:stream';
import { main } from '../main.js';

export interface Ran {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

export const run = (...args: string[]): Promise<Ran> => runWith(undefined, ...args);

/** With what a user types. */
export async function runWith(input: NodeJS.ReadableStream | undefined, ...args: string[]): Promise<Ran> {
  const written = { out: '', err: '' };
  const stream = (name: 'out' | 'err') =>
    new Writable({
      write(chunk: Buffer, _, done) {
        written[name] += chunk.toString();
        done();
      },
    });
  const terminal = { out: stream('out'), err: stream('err'), ...(input === undefined ? {} : { input }) };
  const exitCode = await main(args, terminal);
  return { exitCode, ...written };
}

export interface Result {
  readonly [field: string]: unknown;
  readonly metrics: Readonly<Record<string, { readonly value: number; readonly low: number; readonly high: number }>>;
}

/** What `--json` ends stdout with. */
export const lastJson = (out: string): Result => JSON.parse(out.trimEnd().split('\n').at(-1) ?? '') as Result;
