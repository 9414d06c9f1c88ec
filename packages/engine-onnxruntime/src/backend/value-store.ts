/**
 * Values on their way to the worker and out of it again: numbers them, uploads them, frees them.
 *
 * Large values are copied once and handed over at once. Small ones (scalars above all) wait on the host, where reading them is
 * free, and travel packed in one buffer with the first run that uses them; most die before any run does.
 */
import type { BackendValues, TypedArray } from '@tensorflow/tfjs-core';
import { LoranError } from '@loran/plugin';
import { wireType } from '../graph/compile.js';
import type { Entry } from '../graph/node.js';
import { isLeafOfLastPlan, plan } from '../graph/plan.js';
import { bytesOf } from '../graph/stored-bytes.js';
import type { OnnxType } from '../kernels/kernel.js';
import { packTypes, type WireType } from '../worker/protocol.js';
import type { Link } from '../worker/worker-link.js';

const smallBytes = 1024;
/** Bytes of disposed values that may wait for the next run, in case it reads them. */
const disposedBytesLimit = 64 * 2 ** 20;

export class ValueStore {
  readonly #link: Link;
  #numbers = 0;
  #pack = new Uint8Array(1 << 14);
  #packed = 0;
  #table: number[] = [];
  #disposed: Entry[] = [];
  #disposedBytes = 0;

  constructor(link: Link) {
    this.#link = link;
  }

  /** A number for a new value in the worker. */
  number(): number {
    return ++this.#numbers;
  }

  /** Takes in values of the user's, as a copy: what the user does to the array later has no effect. */
  take(entry: Entry, values: BackendValues): void {
    if (entry.type === null) {
      entry.values = values;
      return;
    }
    const copy = copyOf(values as TypedArray, entry.type);
    if (copy.byteLength <= smallBytes) entry.values = copy;
    else this.hold(entry, wireType(entry.type), copy.buffer as ArrayBuffer);
  }

  /** Hands a buffer over to the worker. */
  hold(entry: Entry, type: WireType, buffer: ArrayBuffer): void {
    entry.id = this.number();
    this.#link.send({ kind: 'hold', id: entry.id, type, buffer }, buffer);
    if (buffer.byteLength > 2 ** 20) this.#link.post();
  }

  /** Makes sure that the worker has a leaf before the run that is posted next. */
  upload(entry: Entry): void {
    if (entry.id !== 0 || entry.values === null || entry.type === null) return;
    entry.id = this.number();
    const values = entry.values as TypedArray;
    const code = packTypes.indexOf(wireType(entry.type) as (typeof packTypes)[number]);
    this.#table.push(entry.id, code, this.#append(values), values.length);
    if (entry.references === 0) this.#free(entry);
  }

  /** Sends what `upload` collected. */
  sendPack(): void {
    if (this.#table.length === 0) return;
    const buffer = this.#pack.slice(0, this.#packed).buffer;
    this.#link.send({ kind: 'pack', buffer, table: Float64Array.from(this.#table) }, buffer);
    this.#packed = 0;
    this.#table = [];
  }

  /** The entry was disposed; pending tensors may still be made from its values. */
  dispose(entry: Entry, pending: ReadonlySet<Entry>): void {
    if (entry.id === 0) return;
    this.#free(entry);
    if (pending.size === 0) this.freeDisposed();
    else if (this.#disposedBytes > disposedBytesLimit) {
      plan(pending);
      this.freeDisposed(isLeafOfLastPlan);
    }
  }

  /** Frees the values of disposed entries, but for those to keep a while. */
  freeDisposed(keep: (entry: Entry) => boolean = () => false): void {
    const kept = this.#disposed.filter(keep);
    const ids = this.#disposed.filter((entry) => !keep(entry)).map(({ id }) => id);
    this.#disposed = kept;
    this.#disposedBytes = kept.reduce((sum, entry) => sum + bytesOf(entry), 0);
    if (ids.length > 0) this.#link.send({ kind: 'free', ids: Float64Array.from(ids) });
  }

  #free(entry: Entry): void {
    this.#disposed.push(entry);
    this.#disposedBytes += bytesOf(entry);
  }

  /** Appends to the pack, 8-byte aligned; returns the offset. */
  #append(values: TypedArray): number {
    const offset = (this.#packed + 7) & ~7;
    const end = offset + values.byteLength;
    if (end > this.#pack.length) {
      const larger = new Uint8Array(Math.max(end, 2 * this.#pack.length));
      larger.set(this.#pack.subarray(0, this.#packed));
      this.#pack = larger;
    }
    this.#pack.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), offset);
    this.#packed = end;
    return offset;
  }
}

function copyOf(values: TypedArray, type: OnnxType): Float32Array | Int32Array | Uint8Array {
  if (type === 'float32') return new Float32Array(values);
  return type === 'int32' ? new Int32Array(values) : new Uint8Array(values);
}

/** The worker's values of an entry, widened to the tfjs dtype. */
export function valuesOf({ type }: Entry, { result, error }: { result?: unknown; error?: string }): BackendValues {
  if (error !== undefined) throw new LoranError('OPERATION_FAILED', error);
  if (type === 'uint8' || type === 'int8') return Int32Array.from(result as Uint8Array);
  if (type !== 'bfloat16') return result as BackendValues;
  const bits = Uint32Array.from(result as Uint16Array, (half) => half << 16);
  return new Float32Array(bits.buffer);
}
