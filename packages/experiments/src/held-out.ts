/** What a run is measured on: data of its own, the test split of a dataset plugin, or a part held out of the training data. */
import { type DatasetPlugin, split } from '@loran/datasets';
import { LoranError, type Registry } from '@loran/plugin';
import type { DataOptions } from './options.js';

/** The held-out part does not depend on a run's seed, so that runs of all seeds are measured on the same examples. */
const splitSeed = 0;

export interface TrainAndTest<T> {
  readonly train: readonly T[];
  /** Empty when nothing was named or held out. */
  readonly test: readonly T[];
}

/**
 * `train`: read already. `read`: examples of a file, or of a split of a dataset plugin. `stratify`: what the held-out part has
 * in the shares of the whole. Throws TOO_FEW_EXAMPLES where nothing can be held out.
 */
export async function withTestData<T>(
  train: readonly T[],
  { train: name, test, testShare }: DataOptions,
  datasets: Registry<DatasetPlugin>,
  read: (source: string, splitName: string) => Promise<readonly T[]>,
  stratify?: (example: T) => string,
): Promise<TrainAndTest<T>> {
  const own = datasets.has(name) && datasets.get(name).splits.includes('test') ? name : undefined;
  const source = test ?? own;
  if (source !== undefined) return { train, test: await read(source, 'test') };
  if (testShare === 0) return { train, test: [] };
  if (train.length < 2) {
    throw new LoranError(
      'TOO_FEW_EXAMPLES',
      `'${name}' has one example; nothing can be held out of it. Add examples, name test data, or hold nothing out (testShare 0, --test-share 0).`,
    );
  }
  const size = Math.max(1, Math.min(train.length - 1, Math.round(testShare * train.length)));
  return split(train, { test: size, seed: splitSeed, ...(stratify === undefined ? {} : { stratify }) });
}
