/**
 * Runs: what is pending becomes one graph, compiled or found, and is posted to the worker; its reports come back here.
 *
 * Posting is synchronous and the worker obeys in order, so an entry counts as computed once its run is posted. A run that fails is
 * repeated without the failing op (`recovery.ts`), and only what depends on that op is an error to read.
 */
import { arenaBytes } from '../graph/arena.js';
import { compile } from '../graph/compile.js';
import type { Entry } from '../graph/node.js';
import { isLeafOfLastPlan, plan, type Plan } from '../graph/plan.js';
import { productsOf } from '../graph/products.js';
import type { Report } from '../worker/protocol.js';
import type { Link } from '../worker/worker-link.js';
import { RunRecovery, type PostedRun } from './recovery.js';
import type { RunObserver, RunRecord } from './run-record.js';
import { SessionCache, type CompiledGraph } from './session-cache.js';
import type { ValueStore } from './value-store.js';

interface InFlight extends PostedRun {
  readonly session: number;
  /** Why the graph could not even be written; null where it could. */
  readonly failure: unknown;
  readonly record: Omit<RunRecord, 'runMilliseconds' | 'compileMilliseconds'>;
}

/** Runs posted and not reported before this thread waits for the worker to catch up. */
const maxInFlight = 64;

export class RunQueue {
  readonly #link: Link;
  readonly #values: ValueStore;
  readonly #sessions: SessionCache;
  readonly #inFlight = new Map<number, InFlight>();
  readonly #observers = new Set<RunObserver>();
  readonly #compileTimes = new Map<number, number>();
  #recovery: RunRecovery | null = null;
  #sessionNumber = 0;
  #runNumber = 0;

  /** Compiled graphs are kept up to that number and those bytes together. */
  constructor(link: Link, values: ValueStore, sessions: number, sessionBytes: number) {
    this.#link = link;
    this.#values = values;
    this.#sessions = new SessionCache(sessions, sessionBytes, ({ session }) => link.send({ kind: 'release', session }));
  }

  /** Compiled graphs that are kept. */
  get sessions(): number {
    return this.#sessions.size;
  }

  /** Calls `observer` after every run; returns a function that stops it. */
  observe(observer: RunObserver): () => void {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  /** Releases all compiled graphs. */
  clear(): void {
    this.#sessions.clear();
  }

  /** Posts a run that computes these entries, and returns at once. */
  post(pending: ReadonlySet<Entry>): void {
    const start = performance.now();
    const planned = plan(pending);
    const known = this.#sessions.get(planned.key);
    const planMilliseconds = performance.now() - start;

    this.#values.freeDisposed(isLeafOfLastPlan);
    for (const { entry } of planned.leaves) this.#values.upload(entry);
    this.#values.sendPack();
    const { graph, failure } = known === undefined ? this.#compile(planned) : { graph: known, failure: null };
    const emitMilliseconds = known === undefined ? performance.now() - start - planMilliseconds : 0;
    const ids = new Map(planned.outputs.map((entry) => [entry, this.#values.number()]));
    for (const [entry, id] of ids) {
      entry.node = null;
      entry.id = id;
    }

    const run = ++this.#runNumber;
    const inputs = planned.leaves.length;
    const { session, nodes, products, bytes: arenaBytes } = graph;
    const record = {
      compiled: known === undefined,
      planMilliseconds,
      emitMilliseconds,
      nodes,
      inputs,
      outputs: ids.size,
      arenaBytes,
      products,
    };
    this.#inFlight.set(run, { plan: planned, ids, session, failure, record });
    this.#link.send({
      kind: 'run',
      run,
      session,
      inputs: Float64Array.from(planned.leaves, ({ entry }) => entry.id),
      outputs: Float64Array.from(ids.values()),
    });
    this.#values.freeDisposed();
    this.#link.post();
  }

  /** Keeps a loop that never reads from running ahead of the worker without end. */
  waitWhileFull(): void {
    if (this.#inFlight.size > maxInFlight) this.#link.waitUntil(() => this.#inFlight.size <= maxInFlight / 2);
  }

  /** Without a graph that compiles, the run is posted all the same: it fails in its turn, and recovery sorts out what can be saved. */
  #compile(planned: Plan): { graph: CompiledGraph; failure: unknown } {
    const { key, nodes } = planned;
    try {
      const model = compile(planned);
      const session = ++this.#sessionNumber;
      const bytes = arenaBytes(planned);
      const graph = { key, session, bytes, nodes: nodes.length, products: productsOf(nodes) };
      this.#sessions.add(graph); // first, so that what has to go is gone when the new one takes its memory
      this.#link.send({ kind: 'compile', session, model }, model.bytes.buffer);
      return { graph, failure: null };
    } catch (failure) {
      return { graph: { key, session: 0, bytes: 0, nodes: nodes.length, products: [] }, failure };
    }
  }

  /** Takes in what the worker reports. */
  onReport(report: Exclude<Report, { kind: 'reply' }>): void {
    switch (report.kind) {
      case 'compiled':
        this.#compileTimes.set(report.session, report.milliseconds);
        return;
      case 'ran':
        this.#ran(report.run, report.milliseconds);
        return;
      case 'failed':
        this.#failed(report);
        return;
      case 'attempted':
        if (report.message !== null) this.#recovery?.failed(new Error(report.message));
        this.#continueRecovery();
        return;
      case 'ready':
      case 'absent':
      case 'crashed':
        return;
    }
  }

  #ran(run: number, runMilliseconds: number): void {
    const flight = this.#inFlight.get(run);
    this.#inFlight.delete(run);
    if (flight === undefined) return;
    const { record, session } = flight;
    const compileMilliseconds = record.compiled ? (this.#compileTimes.get(session) ?? 0) : 0;
    this.#compileTimes.delete(session);
    for (const observer of this.#observers) observer({ ...record, compileMilliseconds, runMilliseconds });
  }

  #failed({ run, message, inputs }: Extract<Report, { kind: 'failed' }>): void {
    const flight = this.#inFlight.get(run);
    this.#inFlight.delete(run);
    if (flight === undefined) return;
    this.#recovery = new RunRecovery(flight);
    if (inputs.length > 0) this.#recovery.inputsFailed(inputs);
    else {
      this.#sessions.delete(flight.plan.key);
      this.#recovery.failed(flight.failure ?? new Error(message));
    }
    this.#continueRecovery();
  }

  #continueRecovery(): void {
    const next = this.#recovery?.next() ?? { kind: 'resume', failures: [] };
    if (next.kind === 'resume') this.#recovery = null;
    this.#link.recover(next);
  }
}
