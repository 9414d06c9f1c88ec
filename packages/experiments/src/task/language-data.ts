/** The texts of a run: from files or dataset plugins, with a part held out where no test data are named. */
import { collect, type DatasetPlugin, type LanguageExample, readLanguageExamples, split } from '@loran/datasets';
import { LoranError } from '@loran/plugin';
import type { Lab } from '../lab.js';
import type { DataOptions } from '../options.js';

export interface LanguageData {
  readonly train: readonly LanguageExample[];
  /** What is measured on; empty when nothing was named or held out. */
  readonly test: readonly LanguageExample[];
}

/** Throws TOO_FEW_EXAMPLES where nothing can be held out, and what the readers find. */
export async function readLanguageData(lab: Pick<Lab, 'plugins'>, data: DataOptions): Promise<LanguageData> {
  const train = await readSource(lab, data, data.train, 'train');
  if (data.test !== undefined) return { train, test: await readSource(lab, data, data.test, 'test') };
  const datasets = lab.plugins<DatasetPlugin>('dataset');
  if (datasets.has(data.train) && datasets.get(data.train).splits.includes('test')) {
    return { train, test: await readSource(lab, data, data.train, 'test') };
  }
  if (data.testShare === 0) return { train, test: [] };
  if (train.length < 2) {
    throw new LoranError(
      'TOO_FEW_EXAMPLES',
      `'${data.train}' has one example; nothing can be held out of it. Add examples, name test data, or hold nothing out (testShare 0, --test-share 0).`,
    );
  }
  const test = Math.max(1, Math.min(train.length - 1, Math.round(data.testShare * train.length)));
  return split(train, { test, seed: 0 }); // the same for runs of all seeds
}

export function readLanguageTest(lab: Pick<Lab, 'plugins'>, data: DataOptions): Promise<readonly LanguageExample[]> {
  return readSource(lab, data, data.train, 'test');
}

async function readSource(
  lab: Pick<Lab, 'plugins'>,
  { textField, promptField, completionField, messagesField }: DataOptions,
  name: string,
  splitName: string,
): Promise<readonly LanguageExample[]> {
  const datasets = lab.plugins<DatasetPlugin>('dataset');
  if (datasets.has(name)) return (await collect(await datasets.get(name).open(splitName))) as LanguageExample[];
  const { items } = await readLanguageExamples(name, {
    ...(textField === undefined ? {} : { textField }),
    ...(promptField === undefined ? {} : { promptField }),
    ...(completionField === undefined ? {} : { completionField }),
    ...(messagesField === undefined ? {} : { messagesField }),
    readers: lab.plugins('dataset-reader'),
  });
  return items;
}
