/** How much of a checkpoint has been read, for who waits. */
import type { TensorFile } from '@loran/formats';

export interface LoadProgressOptions {
  /** Called as weights are read: bytes of them so far and in all, as the files store them. The last call has the two equal. */
  readonly onProgress?: (loadedBytes: number, totalBytes: number) => void;
}

/** Counts each tensor's bytes once, however often it is read. */
export class LoadProgress {
  readonly #loaded = new Map<string, number>(); // bytes by the tensor's name
  readonly #tensors: TensorFile['tensors'];
  readonly #report: LoadProgressOptions['onProgress'];
  readonly #total: number;
  #sum = 0;

  /** `names`: the tensors that will be read. */
  constructor(tensors: TensorFile['tensors'], names: Iterable<string>, report: LoadProgressOptions['onProgress']) {
    this.#tensors = tensors;
    this.#report = report;
    this.#total = [...new Set(names)].reduce((sum, name) => sum + this.#bytes(name), 0);
    report?.(0, this.#total);
  }

  /** A tensor's values on their way through. */
  async *watch(name: string, values: AsyncIterable<Float32Array>): AsyncGenerator<Float32Array> {
    const perValue = this.#bytes(name) / this.#size(name);
    let seen = 0;
    for await (const run of values) {
      yield run;
      seen += run.length;
      this.#reach(name, Math.round(seen * perValue));
    }
  }

  /** A tensor that was read whole. */
  add(name: string): void {
    this.#reach(name, this.#bytes(name));
  }

  #reach(name: string, bytes: number): void {
    const more = bytes - (this.#loaded.get(name) ?? 0);
    if (more <= 0) return;
    this.#loaded.set(name, bytes);
    this.#sum += more;
    this.#report?.(this.#sum, this.#total);
  }

  #bytes(name: string): number {
    return this.#tensors.get(name)?.byteLength ?? 0;
  }

  #size(name: string): number {
    return (this.#tensors.get(name)?.shape ?? []).reduce((product, n) => product * n, 1);
  }
}
