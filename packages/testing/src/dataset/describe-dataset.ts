/** The laws of datasets, stated about any object of their shape. */
import { describe, expect } from 'vitest';
import { testLaws, type Law, type SkippedLaw } from '../law-suite.js';

/** What a dataset must look like. */
export interface DatasetLike {
  readonly name: string;
  readonly size?: number;
  examples(): AsyncIterable<unknown>;
}

export interface DatasetLawOptions {
  /** What reading it gives, where that is known. */
  readonly examples?: readonly unknown[];
  readonly skip?: readonly SkippedLaw[];
}

interface DatasetSubject extends Pick<DatasetLawOptions, 'examples'> {
  readonly open: () => DatasetLike | Promise<DatasetLike>;
}

/** The laws by name. */
export const datasetLaws: Readonly<Record<string, Law<DatasetSubject>>> = {
  'has a name, and as many examples as it says': async ({ open }) => {
    const dataset = await open();
    expect(dataset.name).toMatch(/\S/);
    const count = (await readAll(dataset)).length;
    expect(count).toBeGreaterThan(0);
    expect(dataset.size ?? count).toBe(count);
  },

  'gives what it should': async ({ open, examples }) => {
    if (examples !== undefined) expect(await readAll(await open())).toEqual(examples);
  },

  'gives the same examples at every reading': async ({ open }) => {
    const dataset = await open();
    const first = await readAll(dataset);
    expect(await readAll(dataset)).toEqual(first);
    expect(await readAll(await open())).toEqual(first);
  },

  'starts again after a reading that was stopped': async ({ open }) => {
    const dataset = await open();
    const all = await readAll(dataset);
    for await (const example of dataset.examples()) {
      expect(example).toEqual(all[0]);
      break;
    }
    expect(await readAll(dataset)).toEqual(all);
  },

  'can be read twice at the same time': async ({ open }) => {
    const dataset = await open();
    const all = await readAll(dataset);
    const [one, other] = await Promise.all([readAll(dataset), readAll(dataset)]);
    expect([one, other]).toEqual([all, all]);
  },
};

/** Declares a suite with every law of datasets. `open` gives the dataset, newly made or the same each time. */
export function describeDataset(name: string, open: DatasetSubject['open'], options: DatasetLawOptions = {}): void {
  const { examples, skip } = options;
  describe(`laws of the dataset '${name}'`, () => {
    testLaws(datasetLaws, { open, ...(examples !== undefined && { examples }) }, { skip });
  });
}

async function readAll(dataset: DatasetLike): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const example of dataset.examples()) all.push(example);
  return all;
}
