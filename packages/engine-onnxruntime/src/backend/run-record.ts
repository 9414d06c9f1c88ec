/** What a run of a graph cost; what `observe` reports. */
import type { Product } from '../graph/products.js';

export interface RunRecord {
  /** Whether this structure was compiled for this run, and what that took in this thread (writing the model) and the worker. */
  readonly compiled: boolean;
  readonly emitMilliseconds: number;
  readonly compileMilliseconds: number;
  /** Time in this thread to find what has to be computed, and to look its structure up. */
  readonly planMilliseconds: number;
  /** Time of the run in the worker, feeds and results included. */
  readonly runMilliseconds: number;
  readonly nodes: number;
  readonly inputs: number;
  readonly outputs: number;
  /** What the graph's intermediate values and outputs take at once, in bytes, about. */
  readonly arenaBytes: number;
  readonly products: readonly Product[];
}

export type RunObserver = (record: RunRecord) => void;
