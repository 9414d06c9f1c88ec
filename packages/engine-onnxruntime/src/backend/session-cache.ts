/**
 * Compiled graphs by the key of their structure: at most so many, with at most so much memory, the least recently used
 * released first. Each session keeps the arena of its largest run. The newest stays, whatever it takes.
 */
import type { Product } from '../graph/products.js';

export interface CompiledGraph {
  readonly key: string;
  readonly session: number;
  /** Memory that its session keeps, about. */
  readonly bytes: number;
  readonly nodes: number;
  /** The matrix products of one run. */
  readonly products: readonly Product[];
}

export class SessionCache {
  readonly #graphs = new Map<string, CompiledGraph>();

  constructor(
    readonly maxGraphs: number,
    readonly maxBytes: number,
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
    for (const oldest of [...this.#graphs.values()]) {
      const bytes = [...this.#graphs.values()].reduce((sum, one) => sum + one.bytes, 0);
      if (oldest === graph || (this.#graphs.size <= this.maxGraphs && bytes <= this.maxBytes)) return;
      this.delete(oldest.key);
    }
  }

  /** Forgets a graph and releases it. */
  delete(key: string): void {
    const graph = this.#graphs.get(key);
    this.#graphs.delete(key);
    if (graph !== undefined) this.release(graph);
  }

  clear(): void {
    for (const key of [...this.#graphs.keys()]) this.delete(key);
  }
}
