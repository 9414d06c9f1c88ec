/**
 * The values of a pickle while it is read. All are counted: what a pickle can make is bounded before it makes it. Nothing walks
 * what was built, so depth costs nothing, and values that are repeated through the memo stay one value.
 */
import type { TensorFileError } from '../tensor-file-error.js';

/** A function or class that the pickle names: compared, never looked up. */
export class PickleGlobal {
  constructor(readonly name: string) {}
}

/** A list, to tell it from a tuple, which is an array. */
export class PickleList {
  readonly values: unknown[] = [];
}

const largestStack = 1_000_000;
const largestContainers = 500_000;
const deepestMarks = 64;
const mark = Symbol('mark');

export class PickleStack {
  readonly #stack: unknown[] = [];
  readonly #memo = new Map<number, unknown>();
  #marks = 0;
  #containers = 0;

  constructor(readonly refuse: (problem: string) => TensorFileError) {}

  get empty(): boolean {
    return this.#stack.length === 0;
  }

  push(value: unknown): void {
    if (this.#stack.length >= largestStack) throw this.refuse(`holds more than ${largestStack} values at once`);
    this.#stack.push(value);
  }

  /** A new list or dictionary. */
  pushContainer(value: PickleList | Map<unknown, unknown>): void {
    if (++this.#containers > largestContainers) {
      throw this.refuse(`makes more than ${largestContainers} lists and dictionaries`);
    }
    this.push(value);
  }

  pushTuple(length: number): void {
    const values: unknown[] = Array.from({ length });
    for (let i = length - 1; i >= 0; i--) values[i] = this.pop();
    this.push(values);
  }

  pop(): unknown {
    if (this.empty) throw this.refuse('takes a value from an empty stack');
    const value = this.#stack.pop();
    if (value === mark) throw this.refuse('takes a mark for a value');
    return value;
  }

  pushMark(): void {
    if (++this.#marks > deepestMarks) throw this.refuse(`nests more than ${deepestMarks} levels`);
    this.push(mark);
  }

  /** What was pushed since the last mark, which goes as well. */
  popToMark(): unknown[] {
    const begin = this.#stack.lastIndexOf(mark);
    if (begin < 0) throw this.refuse('lacks a mark');
    this.#marks--;
    return this.#stack.splice(begin).slice(1);
  }

  /** The dictionary on top. */
  dictionary(): Map<unknown, unknown> {
    const value = this.#stack.at(-1);
    if (!(value instanceof Map)) throw this.refuse('takes something else for a dictionary');
    return value;
  }

  /** Keys and values in turns, into the dictionary on top. */
  setItems(pairs: readonly unknown[]): void {
    const dictionary = this.dictionary();
    if (pairs.length % 2 === 1) throw this.refuse('gives a key without a value');
    for (let i = 0; i < pairs.length; i += 2) {
      const key = pairs[i];
      if (typeof key !== 'string' && typeof key !== 'number') throw this.refuse('has a key that is no string');
      if (dictionary.has(key)) throw this.refuse(`has the key ${JSON.stringify(key).slice(0, 200)} twice`);
      dictionary.set(key, pairs[i + 1]);
    }
  }

  /** Into the list on top. */
  append(values: readonly unknown[]): void {
    const list = this.#stack.at(-1);
    if (!(list instanceof PickleList)) throw this.refuse('appends to something that is no list');
    for (const value of values) list.values.push(value);
  }

  /** Remembers the value on top, as the next one where no index is given. */
  remember(index = this.#memo.size): void {
    const value = this.#stack.at(-1);
    if (value === undefined || value === mark) throw this.refuse('remembers a value that is not there');
    if (this.#memo.size >= largestStack) throw this.refuse(`remembers more than ${largestStack} values`);
    this.#memo.set(index, value);
  }

  recall(index: number): void {
    if (!this.#memo.has(index)) throw this.refuse(`recalls value ${index}, which it never remembered`);
    this.push(this.#memo.get(index));
  }
}
