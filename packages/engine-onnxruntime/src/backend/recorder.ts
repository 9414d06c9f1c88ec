/** Remembers what is appended while a function runs. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { Node } from '../graph/node.js';
import { Recording, type RecordingHost } from './recording.js';

export class Recorder {
  readonly #host: RecordingHost;
  #current: Recording | null = null;

  constructor(host: RecordingHost) {
    this.#host = host;
  }

  /** What `run` reads on the host would be forgotten: the result then is no recording. */
  record(inputs: readonly TensorInfo[], run: () => readonly TensorInfo[]): Recording | undefined {
    const recording = new Recording(this.#host, inputs);
    this.#current = recording;
    try {
      const outputs = run();
      if (recording.isDisposed) return undefined;
      recording.finish(outputs);
      return recording;
    } catch (error) {
      recording.dispose();
      throw error;
    } finally {
      this.#current = null;
    }
  }

  add(node: Node): void {
    this.#current?.add(node);
  }

  /** Something is read: no other inputs would give the same operations. */
  abandon(): void {
    this.#current?.dispose();
    this.#current = null;
  }
}
