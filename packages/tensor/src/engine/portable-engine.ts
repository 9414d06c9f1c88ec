/**
 * Any registered tfjs backend as an engine: ops run at once, codes are kept in tfjs's own dtypes.
 *
 * This is what runs when nobody opened an engine, and what an engine package builds on for whatever its backend lacks.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { LoranError } from '@loran/plugin';
import { version } from '../version.js';
import type { Engine, EngineMemory, OpaqueType } from './engine.js';

/** An engine over the tfjs backend of that name ('cpu', …), which must be registered when it is opened. */
export function portableEngine(backend: string): Engine {
  return {
    kind: 'engine',
    name: backend,
    package: '@loran/tensor',
    version,
    device: 'cpu',
    async open({ device = 'auto' } = {}) {
      if (device !== 'auto' && device !== 'cpu') {
        throw new LoranError(
          'DEVICE_UNAVAILABLE',
          `The tfjs backend '${backend}' computes on the CPU; device '${device}' is not there. Use device 'cpu'.`,
        );
      }
      if (!(await tf.setBackend(backend))) {
        throw new LoranError(
          'BACKEND_UNAVAILABLE',
          `tfjs could not start the backend '${backend}'. Import its package before opening it.`,
        );
      }
      await tf.ready();
    },
    close: () => Promise.resolve(),
    opaque: widenedCodes,
    after: (tensor) => tf.clone(tensor),
    flush: () => Promise.resolve(),
    memory: portableMemory,
  };
}

/** Codes as int32 values, bf16 as the fp32 values they stand for: four and two times the stored width. */
export function widenedCodes(bytes: Uint8Array, type: OpaqueType, shape: readonly number[]): Tensor {
  const width = type === 'bfloat16' ? 2 : 1;
  const size = tf.util.sizeFromShape([...shape]);
  if (bytes.byteLength !== size * width) {
    throw new LoranError(
      'SHAPE_MISMATCH',
      `${type} codes of shape [${shape.join(', ')}] take ${size * width} bytes; ${bytes.byteLength} were given.`,
    );
  }
  if (type === 'uint8') return tf.tensor(Int32Array.from(bytes), [...shape], 'int32');
  if (type === 'int8')
    return tf.tensor(Int32Array.from(new Int8Array(bytes.buffer, bytes.byteOffset, size)), [...shape], 'int32');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const words = Uint32Array.from({ length: size }, (_, i) => (view.getUint16(2 * i, true) << 16) >>> 0);
  return tf.tensor(new Float32Array(words.buffer), [...shape], 'float32');
}

/** What tfjs itself counts, with the process's resident set. */
export function portableMemory(): EngineMemory {
  const { numTensors, numBytes } = tf.memory();
  return {
    tensors: numTensors,
    bytes: numBytes,
    sessions: 0,
    residentBytes: process.memoryUsage.rss(),
    peakResidentBytes: process.resourceUsage().maxRSS * 1024,
  };
}
