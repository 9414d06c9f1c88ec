/** A trained adapter, measured on data: the labels are those it was trained with. */
import { AdapterSet, type AdapterMethod, type BaseStorage, loadAdapter, readAdapterConfig } from '@loran/adapter';
import { LabelMap, readTextClassification } from '@loran/datasets';
import type { Evaluation, Evaluator } from '@loran/evaluators';
import { loadSequenceClassifier, type ModelFamily } from '@loran/models';
import { LoranError } from '@loran/plugin';
import { openEngine } from '@loran/tensor';
import { readRun } from '@loran/trainer';
import { z } from 'zod';
import { disposeModel, resolver } from './adapter-setup.js';
import type { Lab } from './lab.js';
import { measure, type Measurement } from './measure.js';
import { dataOptions, parseOptions } from './options.js';
import { Services } from './services.js';

const evaluateOptions = z.strictObject({
  model: z.string().describe('Folder of a Hugging Face model.'),
  adapter: z.string().optional().describe('Folder of an adapter; default: the model with its own classifier.'),
  data: z.union([z.string().transform((train) => dataOptions.parse({ train })), dataOptions]),
  base: z
    .string()
    .optional()
    .describe("Storage of the frozen weights; default: that of the adapter's training, or fp32."),
  pooling: z.enum(['cls', 'mean']).optional(),
  labels: z
    .array(z.string())
    .optional()
    .describe('Labels in the order of the classifier; default: those of the training.'),
  evaluators: z.array(z.string()).min(1).default(['accuracy', 'macro-f1']),
  maxLength: z.int().min(2).optional(),
});

export type EvaluateOptions = z.input<typeof evaluateOptions>;

export interface EvaluationResult extends Measurement {
  readonly metrics: Evaluation;
  readonly labels: readonly string[];
}

export async function evaluateAdapter(lab: Lab, input: EvaluateOptions): Promise<EvaluationResult> {
  const options = parseOptions(evaluateOptions, input);
  const evaluators = options.evaluators.map((name) => lab.plugins<Evaluator>('evaluator').get(name));
  const trained = options.adapter === undefined ? undefined : await trainedWith(options.adapter);
  const labelNames = options.labels ?? trained?.labels;
  const base = options.base ?? trained?.base ?? 'fp32';
  const head = options.pooling ?? trained?.pooling;
  const maxLength = options.maxLength ?? trained?.maxLength ?? 128;

  await openEngine(lab.container.get(Services.engine), lab.container.get(Services.engineOptions));
  const classifier = await loadSequenceClassifier(options.model, {
    ...(labelNames === undefined ? {} : { labels: labelNames }),
    base: lab.plugins<BaseStorage>('base-storage').get(base),
    families: lab.plugins<ModelFamily>('model-family'),
    freshClassifier: options.adapter !== undefined,
    ...(head === undefined ? {} : { head }),
  });
  const adapters = new AdapterSet(classifier);
  try {
    if (options.adapter !== undefined) {
      await loadAdapter(adapters, options.adapter, {
        methods: lab.plugins<AdapterMethod>('adapter-method').list(),
        resolve: resolver(lab),
      });
    }
    const labels = new LabelMap(classifier.labels, undefined, { order: 'given' });
    const { items } = await readTextClassification(options.data.train, {
      textField: options.data.textField,
      labelField: options.data.labelField,
      readers: lab.plugins('dataset-reader'),
      labels,
    });
    return { ...(await measure(classifier, items, { labels, maxLength, evaluators })), labels: classifier.labels };
  } finally {
    disposeModel(classifier, adapters);
  }
}

const trainedOptions = z.looseObject({
  base: z.string().optional(),
  pooling: z.enum(['cls', 'mean']).optional(),
  training: z.looseObject({ maxLength: z.int().optional() }).optional(),
});

/** What the run beside the adapter says of it; nothing for an adapter that was trained elsewhere. */
async function trainedWith(folder: string) {
  await readAdapterConfig(folder); // a folder without an adapter is said to be one first
  let record;
  try {
    record = await readRun(folder);
  } catch (error) {
    if (LoranError.is(error, 'RUN_NOT_FOUND')) return undefined;
    throw error;
  }
  const { base, pooling, training } = trainedOptions.parse(record.configuration);
  return { labels: record.labels?.map(({ label }) => label), base, pooling, maxLength: training?.maxLength };
}
