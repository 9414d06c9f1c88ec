/** The texts and labels of a run: read from files or dataset plugins, with a part held out where no test data are named. */
import {
  collect,
  type DatasetPlugin,
  type DatasetReader,
  LabelMap,
  readTextClassification,
  split,
  type TextClassificationExample,
} from '@loran/datasets';
import { LoranError, type Registry } from '@loran/plugin';
import type { DataOptions } from './options.js';

export interface TextData {
  readonly train: readonly TextClassificationExample[];
  /** What is measured on; empty when nothing was named or held out. */
  readonly test: readonly TextClassificationExample[];
  readonly labels: LabelMap;
}

export interface TextSources {
  readonly readers: Registry<DatasetReader>;
  readonly datasets: Registry<DatasetPlugin>;
}

/** The held-out part does not depend on a run's seed, so that runs of all seeds are measured on the same examples. */
const splitSeed = 0;

export async function loadTextData(options: DataOptions, sources: TextSources): Promise<TextData> {
  const { train, labels } = await readSource(options.train, 'train', options, sources);
  if (options.test !== undefined) {
    const { train: test } = await readSource(options.test, 'test', options, sources, labels);
    return { train, test, labels };
  }
  if (sources.datasets.has(options.train) && sources.datasets.get(options.train).splits.includes('test')) {
    const { train: test } = await readSource(options.train, 'test', options, sources, labels);
    return { train, test, labels };
  }
  if (options.testShare === 0) return { train, test: [], labels };
  if (train.length < 2) {
    throw new LoranError(
      'TOO_FEW_EXAMPLES',
      `'${options.train}' has one example; nothing can be held out of it. Add examples, or name test data.`,
    );
  }
  const test = Math.max(1, Math.min(train.length - 1, Math.round(options.testShare * train.length)));
  return { ...split(train, { test, seed: splitSeed, stratify: ({ label }) => label }), labels };
}

/** Examples of one file, or of one split of a dataset plugin; `known`: the labels that may occur. */
async function readSource(
  name: string,
  splitName: string,
  { textField, labelField }: Pick<DataOptions, 'textField' | 'labelField'>,
  { readers, datasets }: TextSources,
  known?: LabelMap,
): Promise<{ train: readonly TextClassificationExample[]; labels: LabelMap }> {
  if (!datasets.has(name)) {
    const read = await readTextClassification(name, {
      ...(textField === undefined ? {} : { textField }),
      ...(labelField === undefined ? {} : { labelField }),
      readers,
      ...(known === undefined ? {} : { labels: known }),
    });
    return { train: read.items, labels: read.labels };
  }
  const dataset = await datasets.get(name).open(splitName);
  const examples = (await collect(dataset)) as TextClassificationExample[];
  if (examples.length === 0)
    throw new LoranError('DATASET_EMPTY', `The dataset '${name}' has no examples in '${splitName}'.`);
  const labels = known ?? new LabelMap(examples.map(({ label }) => label));
  for (const { label } of examples) labels.index(label); // throws for a label never trained on
  return { train: examples, labels };
}
