/**
 * A lazy TensorFlow.js backend: kernels append nodes; a read compiles everything pending into one ONNX graph and runs it.
 *
 * Values live in the worker with the runtime, so a training step moves only its new leaves there and its loss back.
 * All bookkeeping here is synchronous; the worker obeys in order, so a tensor counts as computed once its run is posted.
 * A run that fails is repeated without the failing op (`recovery.ts`), and only what depends on that op is an error to read.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { BackendValues, DataId, DataType, TensorInfo } from '@tensorflow/tfjs-core';
import { LoranError } from '@loran/plugin';
import type { OpaqueType } from '@loran/tensor';
import { arenaBytes } from '../graph/arena.js';
import { compile, wireType } from '../graph/compile.js';
import { nodeKey } from '../graph/node-key.js';
import { Entry, Node, storedShape, storedType } from '../graph/node.js';
import { isLeafOfLastPlan, plan, type Plan } from '../graph/plan.js';
import { productsOf } from '../graph/products.js';
import { bytesOf } from '../graph/stored-bytes.js';
import type { Attrs, Emit, LazyBackend, OnnxType, OutputSpec } from '../kernels/kernel.js';
import type { Report } from '../worker/protocol.js';
import type { WorkerLink } from '../worker/worker-link.js';
import { AutoFlush } from './auto-flush.js';
import { callSite } from './call-site.js';
import { RunRecovery, type PostedRun } from './recovery.js';
import type { RunObserver, RunRecord } from './run-record.js';
import { SessionCache, type CompiledGraph } from './session-cache.js';
import { ValueStore } from './value-store.js';

export interface BackendSettings {
  /** Compiled graphs kept, and the memory they may keep together; the least recently used is released first. */
  readonly sessions: number;
  readonly sessionBytes: number;
  /** Nodes that may be pending before they are computed unasked. */
  readonly pendingNodes: number;
  /** Whether errors say where an op was called. */
  readonly callSites: boolean;
}

interface InFlight extends PostedRun {
  readonly session: number;
  /** Why the graph could not even be written; null where it could. */
  readonly failure: unknown;
  readonly record: Omit<RunRecord, 'runMilliseconds' | 'compileMilliseconds'>;
}

/** Runs posted and not reported before this thread waits for the worker to catch up. */
const maxInFlight = 64;

export class OnnxruntimeBackend extends tf.KernelBackend implements LazyBackend {
  readonly #link: WorkerLink;
  readonly #values: ValueStore;
  readonly #sessions: SessionCache;
  readonly #autoFlush: AutoFlush;
  readonly #pending = new Set<Entry>();
  readonly #foreign = new WeakMap<DataId, Entry>();
  readonly #inFlight = new Map<number, InFlight>();
  readonly #observers = new Set<RunObserver>();
  readonly #compileTimes = new Map<number, number>();
  readonly #callSites: boolean;
  #recovery: RunRecovery | null = null;
  #dataIds = 0;
  #bytes = 0;
  #serial = 0;
  #sessionNumber = 0;
  #runNumber = 0;

  constructor(link: WorkerLink, settings: BackendSettings) {
    super();
    this.#link = link;
    this.#values = new ValueStore(link);
    this.#sessions = new SessionCache(settings.sessions, settings.sessionBytes, ({ session }) =>
      link.send({ kind: 'release', session }),
    );
    this.#autoFlush = new AutoFlush(settings.pendingNodes);
    this.#callSites = settings.callSites;
  }

  // --- Building the graph -------------------------------------------------------------------------------------------

  append(
    op: string,
    emit: Emit,
    inputs: readonly TensorInfo[],
    attrs: Attrs,
    outputs: readonly OutputSpec[],
    { raw = false }: { raw?: boolean } = {},
  ): TensorInfo[] {
    if (this.#autoFlush.due(tf.engine().state.scopeStack, this.#pending.size)) this.schedule();
    const operands = inputs.map(({ dataId, shape, dtype }) => {
      const entry = this.#entryOf(dataId);
      const type = raw ? entry.type : (storedType(dtype) ?? entry.type);
      if (type === null) throw stringsUnsupported(op);
      return { entry, shape: storedShape(shape, dtype), type };
    });
    for (const { dtype, type } of outputs) {
      if (type === undefined && dtype === 'string') throw stringsUnsupported(op);
    }
    const place = this.#callSites ? callSite() : null;
    const key = nodeKey(op, attrs, outputs, raw);
    const node = new Node(this.#serial++, op, emit, operands, attrs, outputs, key, place);
    return outputs.map(({ shape, dtype }, i) => {
      const entry = node.outputs[i] as Entry;
      this.#pending.add(entry);
      return { dataId: this.#own(entry), shape: [...shape], dtype };
    });
  }

  share(x: TensorInfo, shape = x.shape, dtype = x.dtype): TensorInfo {
    this.#entryOf(x.dataId).references++;
    return { dataId: x.dataId, shape, dtype };
  }

  constant(values: BackendValues, shape: number[], dtype: DataType): TensorInfo {
    return { dataId: this.write(values, shape, dtype), shape, dtype };
  }

  release({ dataId }: TensorInfo): void {
    this.disposeData(dataId);
  }

  storedType({ dataId, dtype }: TensorInfo): OnnxType {
    const type = this.#entryOf(dataId).type;
    if (type === null) throw stringsUnsupported(`An operation on ${dtype}`);
    return type;
  }

  // --- tfjs's storage -----------------------------------------------------------------------------------------------

  override write(values: BackendValues, shape: number[], dtype: DataType): DataId {
    return this.#own(this.#leaf(values, shape, dtype));
  }

  override move(dataId: DataId, values: BackendValues, shape: number[], dtype: DataType, refCount: number): void {
    const entry = this.#leaf(values, shape, dtype);
    entry.references = refCount;
    this.#foreign.set(dataId, entry);
    this.#own(entry);
  }

  /** Codes in their stored width, under the dtype by which tfjs sees them. Takes over the buffer where it can. */
  writeOpaque(bytes: Uint8Array, type: OpaqueType, shape: readonly number[]): TensorInfo {
    const dtype = type === 'bfloat16' ? 'float32' : 'int32';
    const entry = new Entry(shape, dtype, type);
    const whole = bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength;
    this.#values.hold(entry, wireType(type), whole ? (bytes.buffer as ArrayBuffer) : bytes.slice().buffer);
    return { dataId: this.#own(entry), shape: [...shape], dtype };
  }

  override async read(dataId: DataId): Promise<BackendValues> {
    const entry = this.#entryOf(dataId);
    const own = this.#hostValues(entry);
    if (own !== null) return own;
    const reply = await this.#link.request({ kind: 'read', id: this.#computed(entry) });
    return valuesOf(entry, reply);
  }

  override readSync(dataId: DataId): BackendValues {
    const entry = this.#entryOf(dataId);
    return (
      this.#hostValues(entry) ?? valuesOf(entry, this.#link.requestSync({ kind: 'read', id: this.#computed(entry) }))
    );
  }

  override refCount(dataId: DataId): number {
    return this.#find(dataId)?.references ?? 0;
  }

  override incRef(dataId: DataId): void {
    this.#entryOf(dataId).references++;
  }

  decRef(dataId: DataId): void {
    this.#entryOf(dataId).references--;
  }

  override disposeData(dataId: DataId, force = false): boolean {
    const entry = this.#find(dataId);
    if (entry === undefined || entry.references <= 0) return true;
    entry.references--;
    if (!force && entry.references > 0) return false;
    entry.references = 0;
    this.#dataIds--;
    this.#bytes -= bytesOf(entry);
    this.#pending.delete(entry);
    this.#values.dispose(entry, this.#pending);
    return true;
  }

  override numDataIds(): number {
    return this.#dataIds;
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: false };
  }

  override floatPrecision(): 32 {
    return 32;
  }

  override timerAvailable(): boolean {
    return true;
  }

  /** Milliseconds of computing everything that `f` makes; tfjs's profiler wants `f` called before this returns. */
  override async time(f: () => void): Promise<{ kernelMs: number; wallMs: number }> {
    this.schedule();
    const start = performance.now();
    f();
    await this.flush();
    const elapsed = performance.now() - start;
    return { kernelMs: elapsed, wallMs: elapsed };
  }

  override dispose(): void {
    this.#pending.clear();
    this.#sessions.clear();
  }

  // --- Running --------------------------------------------------------------------------------------------------------

  /** Computes everything pending; resolves when that is done. */
  async flush(): Promise<void> {
    this.schedule();
    const { error } = await this.#link.request({ kind: 'sync' });
    if (error !== undefined) throw new LoranError('WORKER_LOST', error);
  }

  /** Posts a run of everything pending. Returns at once; order is kept by the worker. */
  schedule(): void {
    this.#autoFlush.reset();
    if (this.#pending.size === 0) return;
    const start = performance.now();
    const planned = plan(this.#pending);
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
    this.#pending.clear();

    const run = ++this.#runNumber;
    const inputs = planned.leaves.length;
    const { session, nodes, products } = graph;
    const record = {
      compiled: known === undefined,
      planMilliseconds,
      emitMilliseconds,
      nodes,
      inputs,
      outputs: ids.size,
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

  /** Calls `observer` after every run; returns a function that stops it. */
  observe(observer: RunObserver): () => void {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  /** Bytes of the values of all tensors, computed or not. */
  get bytes(): number {
    return this.#bytes;
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

  // --- Entries ----------------------------------------------------------------------------------------------------------

  #leaf(values: BackendValues, shape: number[], dtype: DataType): Entry {
    const type = storedType(dtype);
    const entry = new Entry([...storedShape(shape, dtype)], dtype, type);
    this.#values.take(entry, values);
    return entry;
  }

  #own(entry: Entry): Entry {
    entry.owner = this;
    this.#dataIds++;
    this.#bytes += bytesOf(entry);
    return entry;
  }

  #find(dataId: DataId): Entry | undefined {
    if (dataId instanceof Entry && dataId.owner === this && dataId.references > 0) return dataId;
    return this.#foreign.get(dataId);
  }

  /** The entry of a tensor; one of another backend is moved here, as tfjs does it. */
  #entryOf(dataId: DataId): Entry {
    const own = this.#find(dataId);
    if (own !== undefined) return own;
    tf.engine().moveData(this, dataId);
    const moved = this.#find(dataId);
    if (moved === undefined) throw new LoranError('TENSOR_DISPOSED', 'The tensor is disposed.');
    return moved;
  }

  #hostValues(entry: Entry): BackendValues | null {
    if (entry.values === null) return null;
    return Array.isArray(entry.values) ? entry.values : entry.values.slice();
  }

  /** The entry's number in the worker, where it is computed by the time that a read arrives. */
  #computed(entry: Entry): number {
    if (entry.node !== null) this.schedule();
    return entry.id;
  }
}

/** The worker's values of an entry, widened to the tfjs dtype. */
function valuesOf({ type }: Entry, { result, error }: { result?: unknown; error?: string }): BackendValues {
  if (error !== undefined) throw new LoranError('OPERATION_FAILED', error);
  if (type === 'uint8' || type === 'int8') return Int32Array.from(result as Uint8Array);
  if (type !== 'bfloat16') return result as BackendValues;
  const bits = Uint32Array.from(result as Uint16Array, (half) => half << 16);
  return new Float32Array(bits.buffer);
}

function stringsUnsupported(op: string): LoranError {
  return new LoranError(
    'DTYPE_UNSUPPORTED',
    `${op} of strings is not available on the engine 'onnxruntime', whose graphs hold numbers. Use tfjs's 'cpu' backend for it.`,
  );
}
