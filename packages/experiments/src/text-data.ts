/** The texts and labels of a run: read from files or dataset plugins, with a part held out where no test data are named. */
import {
  collect,
  type DatasetPlugin,
  type DatasetReader,
  LabelMap,
  readTextClassification,
  type TextClassificationExample,
} from '@loran/datasets';
import { LoranError, type Registry } from '@loran/plugin';
import { type TrainAndTest, withTestData } from './held-out.js';
import type { DataOptions } from './options.js';

export interface TextData extends TrainAndTest<TextClassificationExample> {
  readonly labels: LabelMap;
}

export interface TextSources {
  readonly readers: Registry<DatasetReader>;
  readonly datasets: Registry<DatasetPlugin>;
}

export async function loadTextData(options: DataOptions, sources: TextSources): Promise<TextData> {
  const { train, labels } = await readSource(options.train, 'train', options, sources);
  const readTest = async (source: string, splitName: string) =>
    (await readSource(source, splitName, options, sources, labels)).train;
  return { ...(await withTestData(train, options, sources.datasets, readTest, ({ label }) => label)), labels };
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
