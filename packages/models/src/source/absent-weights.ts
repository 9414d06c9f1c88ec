/**
 * Weights that are not there: a file that has whatever a model looks for in it, all zeros. With it a model is built from its
 * config.json alone, to count and to plan.
 */
import type { TensorFile, TensorInfo } from '@loran/formats';
import { ModelError } from '../model-error.js';

const runLength = 2 ** 20;

export class AbsentWeights implements TensorFile {
  readonly name: string;
  readonly tensors = new Map<string, TensorInfo>();
  readonly metadata: ReadonlyMap<string, string> = new Map();

  constructor(name: string) {
    this.name = name;
  }

  /** From now on the file has this tensor. */
  promise(name: string, shape: readonly number[]): void {
    const byteLength = shape.reduce((size, length) => size * length, 4);
    this.tensors.set(name, { dtype: 'F32', shape, byteLength });
  }

  read(name: string): Promise<never> {
    return Promise.reject(
      new ModelError('MISSING_WEIGHTS', `${this.name} has no weights, so '${name}' cannot be read.`),
    );
  }

  async *values(name: string): AsyncIterable<Float32Array> {
    let left = (this.tensors.get(name)?.byteLength ?? 0) / 4;
    for (; left > 0; left -= runLength) yield await Promise.resolve(new Float32Array(Math.min(left, runLength)));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
