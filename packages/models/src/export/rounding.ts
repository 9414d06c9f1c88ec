/**
 * How far what is written is from the values that it was made of, over all tensors of a file:
 *
 *   share = √(Σ (w − ŵ)² / Σ w²)          and the largest |w − ŵ|
 */
import { toFloat32, type TensorValues } from '@loran/formats';

export class Rounding {
  #squares = 0;
  #errors = 0;
  #largest = 0;

  add(exact: Float32Array, written: Float32Array): void {
    for (let i = 0; i < exact.length; i++) {
      const value = exact[i]!;
      const error = Math.abs(value - written[i]!);
      this.#squares += value * value;
      this.#errors += error * error;
      if (error > this.#largest) this.#largest = error;
    }
  }

  /** The tensor, measured as it is written. */
  of<T extends TensorValues>(tensor: T): T {
    if (tensor.dtype === 'F32') return tensor; // exact
    return { ...tensor, onEncoded: (exact, bytes) => this.add(exact, toFloat32(bytes, tensor.dtype)) };
  }

  /** What to say of it, if anything was lost. `what`: 'The weights were rounded to F16'. */
  warnings(what: string): string[] {
    if (this.#errors === 0) return [];
    const share = (100 * Math.sqrt(this.#errors / this.#squares)).toPrecision(2);
    return [`${what}: by ${share} % of their size (root mean square), ${this.#largest.toPrecision(2)} at most.`];
  }
}
