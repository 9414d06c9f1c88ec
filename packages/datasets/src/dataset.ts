/**
 * A dataset: a named stream of examples that can be read again and again.
 *
 * Streams compose: `take(shuffle(dataset, { seed: 0 }), 1000)` is a dataset too. A source of another kind (a database, a hub)
 * is any object with `name` and `examples()`. A `DatasetPlugin` publishes one under a name, with its splits.
 */
import type { Plugin } from '@loran/plugin';
import { permutation, type ShuffleKey } from './permutation.js';

export interface Dataset<Example> {
  /** Shown in progress and reports: a file path or a public name. */
  readonly name: string;
  /** Number of examples, where it is known without reading. */
  readonly size?: number;
  /** Reads from the start; each call is a new reading. */
  examples(): AsyncIterable<Example>;
}

/** A dataset whose examples are in memory. */
export interface InMemoryDataset<Example> extends Dataset<Example> {
  readonly size: number;
  readonly items: readonly Example[];
}

/** A dataset known by name, such as 'newsgroups-20', with its splits ('train', 'test', …). */
export interface DatasetPlugin<Example = unknown> extends Plugin {
  readonly kind: 'dataset';
  readonly splits: readonly string[];
  /** Opens one of `splits`; may fetch it first. */
  open(split: string): Promise<Dataset<Example>>;
}

/** A dataset over an array, which it does not copy. */
export function inMemory<Example>(name: string, items: readonly Example[]): InMemoryDataset<Example> {
  return {
    name,
    size: items.length,
    items,
    examples: () => ({
      [Symbol.asyncIterator]: () => {
        const iterator = items.values();
        return { next: () => Promise.resolve(iterator.next()) };
      },
    }),
  };
}

/** The whole dataset as an array. */
export async function collect<Example>(dataset: Dataset<Example>): Promise<Example[]> {
  const items: Example[] = [];
  for await (const example of dataset.examples()) items.push(example);
  return items;
}

/** The first `count` examples; reads no further than that. */
export function take<Example>(dataset: Dataset<Example>, count: number): Dataset<Example> {
  return {
    name: dataset.name,
    ...(dataset.size !== undefined && { size: Math.min(count, dataset.size) }),
    async *examples() {
      let left = count;
      if (left <= 0) return;
      for await (const example of dataset.examples()) {
        yield example;
        if (--left <= 0) return;
      }
    },
  };
}

/** The same examples in the order of `permutation`; a reading first takes the whole dataset into memory. */
export function shuffle<Example>(dataset: Dataset<Example>, key: ShuffleKey): Dataset<Example> {
  return {
    name: dataset.name,
    ...(dataset.size !== undefined && { size: dataset.size }),
    async *examples() {
      const items = await collect(dataset);
      for (const index of permutation(items.length, key)) yield items[index]!;
    },
  };
}
