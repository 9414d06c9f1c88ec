/**
 * The engine interface: what loran needs of a TensorFlow.js backend beyond tfjs's own kernels.
 *
 * tfjs's backend is global, so a process has one engine at a time (`openEngine`, `currentEngine`).
 * Nothing outside the `engine-*` packages may ask which engine that is: differences are hidden behind `opaque`, `after`
 * and kernels looked up by name, each of which has a portable definition.
 */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Plugin } from '@loran/plugin';

/** Types of stored codes that tfjs has no dtype for. */
export type OpaqueType = 'uint8' | 'int8' | 'bfloat16';

export interface EngineOptions {
  /** Where to compute; default 'auto', which says once what it chose. A device that is absent is an error. */
  readonly device?: 'auto' | 'cpu' | 'webgpu' | 'cuda';
  /** Threads of one operator; default: the machine's cores. */
  readonly threads?: number;
}

export interface EngineMemory {
  /** Tensors that are alive. */
  readonly tensors: number;
  /** Bytes that their values take. */
  readonly bytes: number;
  /** Compiled graphs that are kept; 0 where the engine compiles none. */
  readonly sessions: number;
  /** Resident set of the process, in bytes. */
  readonly residentBytes: number;
  /** Highest resident set so far, in bytes. */
  readonly peakResidentBytes: number;
}

/** What `record` gives. */
export interface Recorded<T extends Tensor = Tensor> {
  readonly outputs: readonly T[];
  /** None where the engine remembers nothing: then the operations must be run each time. */
  readonly recording?: Recording<T>;
}

export interface Recording<T extends Tensor = Tensor> {
  /** The outputs for other inputs of the same shapes and dtypes. Throws SHAPE_MISMATCH. */
  repeat(inputs: readonly Tensor[]): T[];
  /** Lets go of the constants that the operations read. */
  dispose(): void;
}

export interface Engine extends Plugin {
  readonly kind: 'engine';
  /** The device in use, once open: 'cpu', 'webgpu', 'cuda'. */
  readonly device: string;
  /** Registers and selects the tfjs backend. Use `openEngine`, which also registers the gradients. */
  open(options?: EngineOptions): Promise<void>;
  close(): Promise<void>;
  /**
   * A tensor that holds codes in their stored width. tfjs sees an int32 tensor of that shape ('bfloat16': float32), and
   * any kernel may read it so; the engine keeps the bytes as they are where it can.
   * `bytes` is row-major, little-endian; the engine may take ownership of its buffer.
   */
  opaque(bytes: Uint8Array, type: OpaqueType, shape: readonly number[]): Tensor;
  /** `tensor`, not computed before `dependency` is: keeps a lazy engine from making all dequantised weights at once. */
  after<T extends Tensor>(tensor: T, dependency: Tensor): T;
  /**
   * Calls `run` and remembers its operations, where that saves building them again; an engine that runs ops at once has no such
   * method. See `record`.
   */
  record?<T extends Tensor>(inputs: readonly Tensor[], run: () => readonly T[]): Recorded<T>;
  /** Computes everything pending; does nothing where ops run at once. */
  flush(): Promise<void>;
  memory(): EngineMemory;
}
