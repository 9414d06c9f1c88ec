/** Numbers and strings of a pickle, one after the other. What goes beyond the end, or is no such value, is refused. */
import type { TensorFileError } from '../tensor-file-error.js';

export class PickleCursor {
  readonly #view: DataView;
  #at = 0;
  /** Where the opcode in progress stands, for errors. */
  #opcodeAt = 0;

  /** `error`: what to throw, from the problem and the place of the opcode. */
  constructor(
    readonly bytes: Uint8Array,
    readonly error: (problem: string, at: number) => TensorFileError,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  refuse(problem: string): TensorFileError {
    return this.error(problem, this.#opcodeAt);
  }

  opcode(): number {
    this.#opcodeAt = this.#at;
    return this.unsigned(1);
  }

  unsigned(size: 1 | 2 | 4): number {
    const at = this.#take(size);
    return size === 1 ? this.bytes[at]! : size === 2 ? this.#view.getUint16(at, true) : this.#view.getUint32(at, true);
  }

  /** Four bytes with a sign. */
  signed(): number {
    return this.unsigned(4) | 0;
  }

  /** The length of something that follows, in eight bytes. */
  length64(): number {
    const value = this.#view.getBigUint64(this.#take(8), true);
    if (value > BigInt(this.bytes.length)) throw this.refuse(`claims ${value} bytes of its ${this.bytes.length}`);
    return Number(value);
  }

  /** A whole number of `length` bytes, in two's complement. */
  long(length: number): number {
    const begin = this.#take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.bytes[begin + i]!);
    const number = Number(BigInt.asIntN(8 * length, value));
    if (!Number.isSafeInteger(number)) throw this.refuse(`has the number ${number}, beyond any size`);
    return number;
  }

  double(): number {
    return this.#view.getFloat64(this.#take(8), false);
  }

  text(length: number): string {
    const begin = this.#take(length);
    try {
      return decoder.decode(this.bytes.subarray(begin, begin + length));
    } catch {
      throw this.refuse('has a string that is not UTF-8');
    }
  }

  /** Up to the next line feed. */
  line(): string {
    const end = this.bytes.indexOf(0x0a, this.#at);
    if (end < 0 || end - this.#at > 256) throw this.refuse('has a name without an end');
    const text = this.text(end - this.#at);
    this.#at++;
    return text;
  }

  /** The place of the next `length` bytes, which are passed. */
  #take(length: number): number {
    const begin = this.#at;
    if (begin + length > this.bytes.length) {
      throw this.refuse(`ends after ${this.bytes.length} bytes, in the middle of a value`);
    }
    this.#at += length;
    return begin;
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
