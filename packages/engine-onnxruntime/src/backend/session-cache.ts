/**
 * Compiled graphs by the key of their structure: at most `capacity`, the least recently used released first.
 * Each session keeps the arena of its largest run, so they are worth releasing.
 */
import type { Product } from '../graph/products.js';

export interface CompiledGraph {
  readonly key: string;
  readonly session: number;
  readonly nodes: number;
  /** The matrix products of one run. */
  readonly products: readonly Product[];
}

export class SessionCache {
  readonly #graphs = new Map<string, CompiledGraph>();

  constructor(
    readonly capacity: number,
    readonly release: (graph: CompiledGraph) => void,
  ) {}

  get size(): number {
    return this.#graphs.size;
  }

  get(key: string): CompiledGraph | undefined {
    const graph = this.#graphs.get(key);
    if (graph === undefined) return undefined;
    // A Map iterates in the order of insertion, so the first key is the one used longest ago.
    this.#graphs.delete(key);
    this.#graphs.set(key, graph);
    return graph;
  }

  add(graph: CompiledGraph): void {
    this.#graphs.set(graph.key, graph);
    while (this.#graphs.size > this.capacity) {
      const [oldest, value] = this.#graphs.entries().next().value as [string, CompiledGraph];
      this.#graphs.delete(oldest);
      this.release(value);
    }
  }

  /** Forgets a graph that did not work. */
  delete(key: string): void {
    const graph = this.#graphs.get(key);
    this.#graphs.delete(key);
    if (graph !== undefined) this.release(graph);
  }

  clear(): void {
    for (const key of [...this.#graphs.keys()]) this.delete(key);
  }
}
