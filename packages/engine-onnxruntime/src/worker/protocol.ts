/**
 * What the tfjs thread and the runtime's worker say to each other.
 *
 * The worker holds the runtime, its sessions and every value, by number. Commands are kept in the order they are posted;
 * a run that fails stops the queue until the tfjs thread has said what to run instead (`attempt`, `resume`), so that
 * later commands find each value either computed or marked as failed.
 */
import type { MessagePort } from 'node:worker_threads';

/** Element types as the runtime's tensors know them; bfloat16 travels as its 16 bits. */
export type WireType = 'float32' | 'int32' | 'bool' | 'uint8' | 'int8' | 'uint16' | 'int64' | 'uint32';

export interface GraphInput {
  readonly name: string;
  readonly type: WireType;
  readonly shape: readonly number[];
}

/** A serialised model, with its inputs and outputs in the order that runs give their ids. */
export interface Model {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly inputs: readonly GraphInput[];
  readonly outputs: readonly string[];
}

export interface Failure {
  readonly id: number;
  readonly message: string;
}

export type Command =
  /** Keep one value; its buffer was transferred. */
  | { readonly kind: 'hold'; readonly id: number; readonly type: WireType; readonly buffer: ArrayBuffer }
  /** Keep many small values out of one buffer: 4 numbers each in `table`: id, index in `packTypes`, byte offset, elements. */
  | { readonly kind: 'pack'; readonly buffer: ArrayBuffer; readonly table: Float64Array }
  | { readonly kind: 'compile'; readonly session: number; readonly model: Model }
  | {
      readonly kind: 'run';
      readonly run: number;
      readonly session: number;
      readonly inputs: Float64Array;
      readonly outputs: Float64Array;
    }
  | { readonly kind: 'free'; readonly ids: Float64Array }
  | { readonly kind: 'release'; readonly session: number }
  | { readonly kind: 'fail'; readonly failures: readonly Failure[] }
  /** Answered by `reply` with the values, a copy. */
  | { readonly kind: 'read'; readonly request: number; readonly id: number }
  /** Answered by `reply` once everything before it is done. */
  | { readonly kind: 'sync'; readonly request: number }
  /** Answered by `reply` with null, or the reason why no session can be made on that device. */
  | { readonly kind: 'probe'; readonly request: number; readonly device: string; readonly model: Model }
  | { readonly kind: 'close' };

/** Answers to `failed` and `attempted`; they go past the queue. */
export type Recovery =
  | {
      readonly kind: 'attempt';
      readonly model: Model;
      readonly inputs: Float64Array;
      readonly outputs: Float64Array;
    }
  | { readonly kind: 'resume'; readonly failures: readonly Failure[] };

export type Report =
  | { readonly kind: 'ready' }
  | { readonly kind: 'absent'; readonly message: string }
  | { readonly kind: 'reply'; readonly request: number; readonly result?: unknown; readonly error?: string }
  | { readonly kind: 'compiled'; readonly session: number; readonly milliseconds: number }
  | { readonly kind: 'ran'; readonly run: number; readonly milliseconds: number }
  /** `inputs`: inputs (by position) that had failed before, with their errors. */
  | {
      readonly kind: 'failed';
      readonly run: number;
      readonly message: string;
      readonly inputs: readonly { readonly position: number; readonly message: string }[];
    }
  | { readonly kind: 'attempted'; readonly message: string | null }
  | { readonly kind: 'crashed'; readonly message: string };

/** What the worker is started with. */
export interface WorkerSettings {
  /** Module name or file URL of the runtime, as `onnxruntime-node`. */
  readonly runtime: string;
  readonly port: MessagePort;
  /** Counts the reports, so that a thread that waits knows when to look again. */
  readonly signal: Int32Array<SharedArrayBuffer>;
  /** Options of every session, beside the device. */
  readonly session: Readonly<Record<string, unknown>>;
}

/** Types that `pack` tells by number. */
export const packTypes = ['float32', 'int32', 'bool', 'uint8', 'int8', 'uint16'] as const;
