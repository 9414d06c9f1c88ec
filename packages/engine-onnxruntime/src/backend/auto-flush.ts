/**
 * When to compute unasked: a loop that reads nothing would grow one graph without end.
 *
 * A graph cut at a different place each time would be compiled each time, so the cut waits for the end of an outermost
 * `tf.tidy`, as training steps have it: the same number of whole steps then makes the same graph. Code that never leaves its
 * tidy is cut at four times the limit.
 */
export class AutoFlush {
  readonly #limit: number;
  #nodes = 0;
  #scope: number | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Counts one node that is about to be appended; whether what is pending should be computed before it. */
  due(outermostScope: number | undefined): boolean {
    const between = outermostScope === undefined || outermostScope !== this.#scope;
    this.#scope = outermostScope;
    return ++this.#nodes > (between ? this.#limit : 4 * this.#limit);
  }

  reset(): void {
    this.#nodes = 0;
  }
}
