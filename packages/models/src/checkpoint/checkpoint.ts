/** What a loaded model remembers of its files: enough to write it again as it came, and to know it again. */
import { createHash } from 'node:crypto';
import * as tf from '@tensorflow/tfjs-core';
import type { FrozenWeight } from '@loran/adapter';
import type { ModuleSpec } from './module-spec.js';

export interface Checkpoint {
  /** What was loaded. */
  readonly specs: readonly ModuleSpec[];
  /** Tensor name in the model ('model.norm.weight') -> its name in the files. */
  readonly stored: ReadonlyMap<string, string>;
  /** Path of an output head that is an embedding's own weight -> path of that embedding. */
  readonly tied: ReadonlyMap<string, string>;
  /** The values of a loaded weight, read again from the files; see Adaptable.original. Does not know tied heads. */
  readonly original: (path: string) => AsyncIterable<Float32Array> | undefined;
  /** See `fingerprint`. */
  readonly fingerprint: string;
}

const sampled = 256; // values of each tensor

/**
 * A hash that tells these weights from others of the same shapes: SHA-256 over every tensor's name, and its first 256 values
 * in fp32 as the file has them. Whatever the base storage, the dtype (where widening is exact) and the sharding, it is the
 * same; training or merging changes it, since it changes all of a tensor. Output heads are left out, which a new task replaces.
 */
export class Fingerprint {
  readonly #samples = new Map<string, Buffer>();

  /** The values on their way through, the first of them remembered under the tensor's name. */
  async *watch(name: string, values: AsyncIterable<Float32Array>): AsyncGenerator<Float32Array> {
    const sample: number[] = [];
    for await (const run of values) {
      if (sample.length < sampled) sample.push(...run.subarray(0, sampled - sample.length));
      yield run;
    }
    this.#samples.set(name, Buffer.from(Float32Array.from(sample).buffer));
  }

  /** The first values of a weight that came packed. */
  async add(name: string, frozen: FrozenWeight): Promise<void> {
    const first = tf.tidy(() => {
      const flat = tf.reshape(frozen.weight(), [-1]);
      return tf.slice(flat, [0], [Math.min(sampled, flat.size)]);
    });
    this.#samples.set(name, Buffer.from(Float32Array.from(await first.data<'float32'>()).buffer));
    first.dispose();
  }

  digest(): string {
    const hash = createHash('sha256');
    for (const name of [...this.#samples.keys()].sort()) hash.update(`${name}\n`).update(this.#samples.get(name)!);
    return `sampled-sha256:${hash.digest('hex')}`;
  }
}
