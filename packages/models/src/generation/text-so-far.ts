/** The text of tokens as they come, up to a stop text: what is certain so far, never the beginning of a stop text. */
import type { TextStream } from '../tokenizer/text-stream.js';

export class TextSoFar {
  readonly #stream: TextStream;
  readonly #stop: readonly string[];
  #given = '';
  #whole = '';
  #stopped = false;

  constructor(stream: TextStream, stop: readonly string[]) {
    this.#stream = stream;
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
    this.#whole += this.#stream.push([id]);
    const end = firstOf(this.#whole, this.#stop);
    this.#stopped = end !== undefined;
    return this.#give(this.#stopped ? this.#whole.slice(0, end) : this.#certain());
  }

  /** The rest, once no more tokens come. */
  end(): string {
    if (this.#stopped) return '';
    this.#whole += this.#stream.end();
    const stop = firstOf(this.#whole, this.#stop);
    return this.#give(stop === undefined ? this.#whole : this.#whole.slice(0, stop));
  }

  #give(upTo: string): string {
    if (upTo.length <= this.#given.length) return '';
    const added = upTo.slice(this.#given.length);
    this.#given = upTo;
    return added;
  }

  #certain(): string {
    const held = Math.max(0, ...this.#stop.map((stop) => overlap(this.#whole, stop)));
    return this.#whole.slice(0, this.#whole.length - held);
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
