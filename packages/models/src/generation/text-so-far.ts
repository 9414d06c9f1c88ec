/**
 * The text of tokens as they come: what is certain so far, never half a character, never the beginning of a stop text.
 */
import type { Tokenizer } from '../tokenizer/tokenizer.js';

export class TextSoFar {
  readonly #tokenizer: Pick<Tokenizer, 'decode'>;
  readonly #stop: readonly string[];
  readonly #ids: number[] = [];
  #given = '';
  #whole = '';
  #stopped = false;

  constructor(tokenizer: Pick<Tokenizer, 'decode'>, stop: readonly string[]) {
    this.#tokenizer = tokenizer;
    this.#stop = stop;
  }

  /** Whether a stop text has come. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Everything that was given out. */
  get text(): string {
    return this.#given;
  }

  /** Takes a token; returns the text that it makes certain, which may be none. */
  push(id: number): string {
    if (this.#stopped) return '';
    this.#ids.push(id);
    this.#whole = this.#tokenizer.decode(this.#ids);
    const end = firstOf(this.#whole, this.#stop);
    this.#stopped = end !== undefined;
    return this.#give(this.#stopped ? this.#whole.slice(0, end) : this.#certain());
  }

  /** The rest, once no more tokens come. */
  end(): string {
    return this.#stopped ? '' : this.#give(this.#whole);
  }

  #give(upTo: string): string {
    if (upTo.length <= this.#given.length) return '';
    const added = upTo.slice(this.#given.length);
    this.#given = upTo;
    return added;
  }

  #certain(): string {
    const unbroken = this.#whole.replace(/\uFFFD+$/, ''); // bytes of a character that is not complete
    const held = Math.max(0, ...this.#stop.map((stop) => overlap(unbroken, stop)));
    return unbroken.slice(0, unbroken.length - held);
  }
}

/** Where the first of the stop texts begins. */
function firstOf(text: string, stop: readonly string[]): number | undefined {
  const places = stop.map((one) => text.indexOf(one)).filter((place) => place >= 0);
  return places.length === 0 ? undefined : Math.min(...places);
}

/** Length of the longest end of `text` with which `stop` begins. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length;
  }
  return 0;
}
