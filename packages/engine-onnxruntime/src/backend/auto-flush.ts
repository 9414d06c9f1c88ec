/**
 * When to compute unasked: a loop that reads nothing would grow one graph without end.
 *
 * Where to cut matters. A graph cut at a different place each time is compiled each time, and between a forward and a backward
 * pass every saved activation would become an output. So past the limit the cut waits for the end of an outermost `tf.tidy`
 * (as around each step of a training loop) at which few tensors are alive: the same number of whole steps makes the same graph.
 * Code that offers no such place is cut at four times the limit.
 */
export interface Scope {
  readonly id: number;
}

/** A place counts as between steps when at most one of so many pending nodes is still needed. */
const nodesPerLiving = 8;

export class AutoFlush {
  readonly #limit: number;
  #nodes = 0;
  #innermost: number | undefined;
  #scopes: number[] = [];
  /** How many of the outermost scopes all pending nodes have in common. */
  #shared: number | null = null;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Counts one node that is about to be appended; whether what is pending should be computed before it. */
  due(scopes: readonly Scope[], living: number): boolean {
    const between = this.#enter(scopes);
    if (++this.#nodes <= this.#limit) return false;
    return this.#nodes > 4 * this.#limit || (between && living * nodesPerLiving <= this.#nodes);
  }

  reset(): void {
    this.#nodes = 0;
    this.#shared = null;
  }

  /** Whether the node before was in another of the outermost scopes that are not shared by all. */
  #enter(scopes: readonly Scope[]): boolean {
    const innermost = scopes.at(-1)?.id;
    if (this.#shared !== null && innermost === this.#innermost) return scopes.length === 0;
    const before = this.#scopes;
    const now = scopes.map(({ id }) => id);
    let common = 0;
    while (common < now.length && now[common] === before[common]) common++;
    this.#shared = this.#shared === null ? now.length : Math.min(this.#shared, common);
    this.#innermost = innermost;
    this.#scopes = now;
    return common === this.#shared && common < before.length;
  }
}
