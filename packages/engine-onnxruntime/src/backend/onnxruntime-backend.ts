/**
 * A lazy TensorFlow.js backend: kernels append nodes; a read compiles everything pending into one ONNX graph and runs it.
 *
 * Values live in the worker with the runtime, so a training step moves only its new leaves there and its loss back.
 * All bookkeeping here is synchronous; `run-queue.ts` posts the runs.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { BackendValues, DataId, DataType, TensorInfo } from '@tensorflow/tfjs-core';
import { LoranError } from '@loran/plugin';
import type { OpaqueType } from '@loran/tensor';
import { wireType } from '../graph/compile.js';
import { nodeKey } from '../graph/node-key.js';
import { Entry, Node, storedShape, storedType } from '../graph/node.js';
import { bytesOf } from '../graph/stored-bytes.js';
import type { Attrs, Emit, LazyBackend, OnnxType, OutputSpec } from '../kernels/kernel.js';
import type { Link } from '../worker/worker-link.js';
import { AutoFlush } from './auto-flush.js';
import { callSite } from './call-site.js';
import { Recorder } from './recorder.js';
import type { BackendSettings } from './settings.js';
import { RunQueue } from './run-queue.js';
import { stringsUnsupported } from './strings-unsupported.js';
import { timed } from './timed.js';
import { ValueStore, valuesOf } from './value-store.js';

export class OnnxruntimeBackend extends tf.KernelBackend implements LazyBackend {
  readonly #link: Link;
  readonly #values: ValueStore;
  readonly runs: RunQueue;
  readonly #autoFlush: AutoFlush;
  readonly #pending = new Set<Entry>();
  readonly #foreign = new WeakMap<DataId, Entry>();
  readonly #callSites: boolean;
  #dataIds = 0;
  #bytes = 0;
  #serial = 0;
  /** Remembers what is appended. */
  readonly recorder = new Recorder({
    entryOf: ({ dataId }) => this.#entryOf(dataId),
    serial: () => this.#serial++,
    make: (entry) => this.#pending.add(this.#own(entry)),
    hold: (entry) => entry.references++,
    release: (entry) => {
      if (this.disposeData(entry) && tf.engine().state.tensorInfo.has(entry)) tf.engine().removeDataId(entry, this);
    },
  });

  constructor(link: Link, settings: BackendSettings) {
    super();
    this.#link = link;
    this.#values = new ValueStore(link);
    this.runs = new RunQueue(link, this.#values, settings.sessions, settings.sessionBytes);
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
    this.recorder.add(node);
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
    this.recorder.abandon();
    const entry = this.#entryOf(dataId);
    const own = this.#hostValues(entry);
    if (own !== null) return own;
    const reply = await this.#link.request({ kind: 'read', id: this.#computed(entry) });
    return valuesOf(entry, reply);
  }

  override readSync(dataId: DataId): BackendValues {
    this.recorder.abandon();
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

  override time(f: () => void): Promise<{ kernelMs: number; wallMs: number }> {
    return timed(this, f);
  }

  override dispose(): void {
    this.#pending.clear();
    this.runs.clear();
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
    this.runs.post(this.#pending);
    this.#pending.clear();
    this.runs.waitWhileFull();
  }

  /** Bytes of the values of all tensors, computed or not. */
  get bytes(): number {
    return this.#bytes;
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
