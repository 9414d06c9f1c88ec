/**
 * What every arm of the benchmark is given: the same token ids, labels and, for each seed, the same batches in the same order.
 * Made once and handed over as a file, so that a peer in another language trains on exactly what we train on.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bucketBatches, readTextClassification, type TextClassificationExample } from '@loran/datasets';
import { loadTokenizer } from '@loran/models';
import { encodeExamples, type EncodedExample } from '@loran/trainer';

export interface PlanOptions {
  /** Folder that holds models/ and data/. */
  readonly data: string;
  readonly epochs: number;
  readonly seeds: readonly number[];
  /** Posts of the sample to use: all, or the first so many for a short check. */
  readonly train: number;
  readonly test: number;
}

export interface Plan {
  readonly model: string;
  readonly labels: readonly string[];
  readonly train: readonly EncodedExample[];
  readonly test: readonly EncodedExample[];
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly warmupSteps: number;
  readonly rank: number;
  readonly alpha: number;
  readonly targetModules: readonly string[];
  /** Seed -> epoch -> batch -> positions in `train`. */
  readonly batches: Readonly<Record<string, readonly (readonly (readonly number[])[])[]>>;
}

const maxLength = 128;

export async function makePlan({ data, epochs, seeds, train, test }: PlanOptions): Promise<Plan> {
  const sample = JSON.parse(readFileSync(new URL('../newsgroups-sample.json', import.meta.url), 'utf8')) as {
    train: string[];
    test: string[];
  };
  const model = path.resolve(data, 'models/all-minilm-l6-v2');
  const read = (part: string) =>
    readTextClassification(path.resolve(data, `data/20news/20news-bydate-${part}.jsonl.gz`), {
      labelNameField: 'label_text',
    });
  const [trainFile, testFile] = [await read('train'), await read('test')];
  const { labels } = trainFile;
  const tokenizer = await loadTokenizer(model);
  const encode = (items: readonly TextClassificationExample[], ids: readonly string[]) => {
    const byId = new Map(items.map((item) => [item.id, item]));
    return encodeExamples(
      ids.map((id) => byId.get(id)!),
      { tokenizer, maxLength },
      { labels },
    );
  };
  const examples = encode(trainFile.items, sample.train.slice(0, train));
  const lengths = examples.map(({ ids }) => ids.length);
  const batchSize = 32;
  const order = (seed: number, epoch: number) =>
    bucketBatches(lengths, { batchSize, seed, epoch }).map(({ indices }) => indices);
  return {
    model,
    labels: labels.labels,
    train: examples,
    test: encode(testFile.items, sample.test.slice(0, test)),
    epochs,
    batchSize,
    learningRate: 2e-3,
    warmupSteps: 10,
    rank: 8,
    alpha: 16,
    targetModules: ['query', 'value'],
    batches: Object.fromEntries(
      seeds.map((seed) => [seed, Array.from({ length: epochs }, (_, epoch) => order(seed, epoch))]),
    ),
  };
}

export const writePlan = (file: string, plan: Plan): void => {
  writeFileSync(file, JSON.stringify(plan));
};

export const readPlan = (file: string): Plan => JSON.parse(readFileSync(file, 'utf8')) as Plan;
