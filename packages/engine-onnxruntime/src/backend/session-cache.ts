/**
 * Compiled graphs by the key of their structure: at most so many, with at most so much memory, the least recently used
 * released first. Each session keeps the arena of its largest run. The newest stays, whatever it takes.
 *
 * The first step of a training run differs from all others (the optimiser's slots are made in it) and never comes again, but its
 * arena is as large as theirs. So a large graph that was run once goes when the next is compiled; one that does come again is
 * compiled a second time and then stays as others do.
 */
import { createHash } from 'node:crypto';
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

interface Kept {
  readonly graph: CompiledGraph;
  /** Whether it was asked for again. */
  readonly recurs: boolean;
}

const largeBytes = 32 * 2 ** 20;

export class SessionCache {
  readonly #kept = new Map<string, Kept>();
  /** Digests of large graphs that were released after one run. */
  readonly #ranOnce = new Set<string>();

  constructor(
    readonly maxGraphs: number,
    readonly maxBytes: number,
    readonly release: (graph: CompiledGraph) => void,
  ) {}

  get size(): number {
    return this.#kept.size;
  }

  get(key: string): CompiledGraph | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined) return undefined;
    // A Map iterates in the order of insertion, so the first key is the one used longest ago.
    this.#kept.delete(key);
    this.#kept.set(key, { ...kept, recurs: true });
    return kept.graph;
  }

  add(graph: CompiledGraph): void {
    for (const { graph: other, recurs } of [...this.#kept.values()]) {
      if (recurs || other.bytes < largeBytes) continue;
      this.#ranOnce.add(digest(other.key));
      this.delete(other.key);
    }
    this.#kept.set(graph.key, { graph, recurs: this.#ranOnce.has(digest(graph.key)) });
    for (const { graph: oldest } of [...this.#kept.values()]) {
      const bytes = [...this.#kept.values()].reduce((sum, kept) => sum + kept.graph.bytes, 0);
      if (oldest === graph || (this.#kept.size <= this.maxGraphs && bytes <= this.maxBytes)) return;
      this.delete(oldest.key);
    }
  }

  /** Forgets a graph and releases it. */
  delete(key: string): void {
    const kept = this.#kept.get(key);
    this.#kept.delete(key);
    if (kept !== undefined) this.release(kept.graph);
  }

  clear(): void {
    for (const key of [...this.#kept.keys()]) this.delete(key);
  }
}

/** Keys of large graphs are long. */
function digest(key: string): string {
  return createHash('sha256').update(key).digest('base64');
}
