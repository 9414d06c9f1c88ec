/**
 * The line to the runtime's worker: ordered commands out, reports back, and a way to wait for a report without the event loop.
 *
 * Commands are collected and posted together, at the end of the current microtask or when somebody asks for an answer.
 * `requestSync` blocks this thread by `Atomics.wait`, which is what `dataSync()` needs. Neither the worker nor the port
 * keeps the process alive, except while an answer is outstanding.
 */
import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort, type Transferable } from 'node:worker_threads';
import { LoranError } from '@loran/plugin';
import type { Command, Recovery, Report, WorkerSettings } from './protocol.js';

export type Reply = Extract<Report, { kind: 'reply' }>;
/** A command that is answered by a reply, before it has its number. */
export type Request =
  | Omit<Extract<Command, { kind: 'read' }>, 'request'>
  | Omit<Extract<Command, { kind: 'sync' }>, 'request'>
  | Omit<Extract<Command, { kind: 'probe' }>, 'request'>;

/** What the backend asks of the line; `RehearsalLink` is another one. */
export type Link = Pick<WorkerLink, 'send' | 'post' | 'recover' | 'request' | 'requestSync' | 'waitUntil' | 'close'>;

export interface WorkerLinkOptions {
  readonly runtime: string;
  readonly session: Readonly<Record<string, unknown>>;
  /** Called with every report that is no reply; runs inside `requestSync` too. */
  readonly onReport: (report: Exclude<Report, Reply>) => void;
}

// Beside both src and dist: one plain file that no compiler touches.
const workerFile = new URL('../../worker/runtime-worker.mjs', import.meta.url);

export class WorkerLink {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #signal = new Int32Array(new SharedArrayBuffer(4));
  readonly #onReport: WorkerLinkOptions['onReport'];
  readonly #exited: Promise<void>;

  #outgoing: Command[] = [];
  #transfers: Transferable[] = [];
  #posting = false;
  #requests = 0;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #closing = false;
  #lost: LoranError | null = null;

  constructor({ runtime, session, onReport }: WorkerLinkOptions) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#onReport = onReport;
    const settings: WorkerSettings = { runtime, session, port: port2, signal: this.#signal };
    // The parent's loader flags (a TypeScript runner's, a debugger's) are not for the worker, which is plain JavaScript.
    this.#worker = new Worker(workerFile, { workerData: settings, transferList: [port2], execArgv: [] });
    this.#worker.on('error', (error) => this.#lose(error.message));
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', (code) => {
        this.#lose(this.#closing ? 'its engine was closed' : `it ended with code ${code}`);
        resolve();
      });
    });
    this.#port.on('message', (report: Report) => this.#receive(report));
    this.#port.unref();
    this.#worker.unref();
  }

  send(command: Command, transfer?: ArrayBuffer): void {
    if (this.#lost !== null) return;
    this.#outgoing.push(command);
    if (transfer !== undefined) this.#transfers.push(transfer);
    if (this.#posting) return;
    this.#posting = true;
    queueMicrotask(() => this.post());
  }

  /** Posts what was collected, now. */
  post(): void {
    this.#posting = false;
    if (this.#outgoing.length === 0) return;
    this.#port.postMessage(this.#outgoing, this.#transfers);
    this.#outgoing = [];
    this.#transfers = [];
  }

  /** Answers a failed run; goes past the queue. */
  recover(recovery: Recovery): void {
    this.#port.postMessage(recovery);
  }

  async request(request: Request): Promise<Reply> {
    return new Promise((resolve) => {
      this.#ask(request, resolve);
      this.#port.ref();
    });
  }

  requestSync(request: Request): Reply {
    let reply: Reply | undefined;
    this.#ask(request, (received) => (reply = received));
    this.waitUntil(() => reply !== undefined);
    return reply as unknown as Reply;
  }

  /** Blocks this thread, taking in reports, until `done()` or the worker is lost. */
  waitUntil(done: () => boolean): void {
    this.post();
    while (!done() && this.#lost === null) {
      const seen = Atomics.load(this.#signal, 0);
      const received = receiveMessageOnPort(this.#port) as { message: Report } | undefined;
      if (received !== undefined) this.#receive(received.message);
      else Atomics.wait(this.#signal, 0, seen);
    }
  }

  /** Ends the worker after everything sent so far. */
  async close(): Promise<void> {
    if (this.#lost !== null) return;
    this.send({ kind: 'close' });
    this.post();
    this.#closing = true;
    this.#worker.ref();
    await this.#exited;
  }

  #ask(request: Request, resolve: (reply: Reply) => void): void {
    const number = ++this.#requests;
    if (this.#lost !== null) {
      resolve({ kind: 'reply', request: number, error: this.#lost.message });
      return;
    }
    this.#waiting.set(number, resolve);
    this.send({ ...request, request: number } as Command);
    this.post();
  }

  #receive(report: Report): void {
    if (report.kind === 'reply') {
      const resolve = this.#waiting.get(report.request);
      this.#waiting.delete(report.request);
      if (this.#waiting.size === 0) this.#port.unref();
      resolve?.(report);
      return;
    }
    if (report.kind === 'crashed') this.#lose(report.message);
    this.#onReport(report);
  }

  #lose(reason: string): void {
    if (this.#lost !== null) return;
    this.#lost = new LoranError(
      'WORKER_LOST',
      `The worker with ONNX Runtime and all values is gone: ${reason}. Open the engine again.`,
    );
    for (const [request, resolve] of this.#waiting) resolve({ kind: 'reply', request, error: this.#lost.message });
    this.#waiting.clear();
    this.#port.close();
  }
}
