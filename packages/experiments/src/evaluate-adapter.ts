/** A trained adapter, measured on data: the labels are those it was trained with. */
import { AdapterSet, type AdapterMethod, loadAdapter } from '@loran/adapter';
import type { Evaluation } from '@loran/evaluators';
import type { ModelFamily } from '@loran/models';
import { openEngine } from '@loran/tensor';
import { z } from 'zod';
import { disposeModel, resolver } from './adapter-setup.js';
import { baseChoice } from './base-choice.js';
import type { Lab } from './lab.js';
import type { Measurement } from './measure.js';
import { fetched } from './model-loading.js';
import { dataOptions, parseOptions, taskNames } from './options.js';
import { Services } from './services.js';
import { evaluatorsFor, taskFor } from './task/choose-task.js';
import type { RunTask, TaskModel, TaskName } from './task/run-task.js';
import { baseFor, trainedWith } from './trained-with.js';
import { openWithVocabulary } from './vocabulary/open-model.js';

export const evaluateOptions = z.strictObject({
  model: z.string().describe("A model's folder, a GGUF file, or a name on the hub: 'org/name'."),
  adapter: z.string().optional().describe('Folder of an adapter, or its name on the hub; default: the model as it is.'),
  data: z.union([z.string().transform((train) => dataOptions.parse({ train })), dataOptions]),
  base: baseChoice
    .optional()
    .describe("Storage of the frozen weights; default: that of the adapter's training, or fp32."),
  pooling: z.enum(['cls', 'mean', 'last']).optional(),
  labels: z
    .array(z.string())
    .optional()
    .describe('Labels in the order of the classifier; default: those of the training.'),
  task: z.enum(taskNames).optional(),
  evaluators: z.array(z.string()).min(1).optional(),
  maxLength: z.int().min(2).optional(),
  appendEnd: z
    .boolean()
    .default(false)
    .describe('Whether texts and completions get the end token, to be scored as well.'),
});

export type EvaluateOptions = z.input<typeof evaluateOptions>;

export interface EvaluationResult extends Measurement {
  readonly metrics: Evaluation;
  readonly task: TaskName;
  /** Of a classifier. */
  readonly labels?: readonly string[];
  readonly warnings: readonly string[];
}

export async function evaluateAdapter(lab: Lab, input: EvaluateOptions): Promise<EvaluationResult> {
  const options = parseOptions(evaluateOptions, input);
  const folder = options.adapter === undefined ? undefined : (await fetched(lab, options.adapter)).path;
  const trained = folder === undefined ? undefined : await trainedWith(folder);
  const task = await taskFor(lab, options.task ?? trained?.task, options.data, options.model);
  const base = baseFor(lab, options.base, trained);
  const evaluators = evaluatorsFor(lab, task, options.evaluators ?? task.defaults.evaluators);
  const data = await task.readTest(lab, options.data, options.labels ?? trained?.labels);

  await openEngine(lab.container.get(Services.engine), lab.container.get(Services.engineOptions));
  const { path } = await fetched(lab, options.model);
  const { source } = await openWithVocabulary(path, {
    families: lab.plugins<ModelFamily>('model-family'),
    adapters: folder === undefined ? [] : [folder],
  });
  const loaded = await data
    .load(lab, {
      model: source,
      base,
      pooling: options.pooling ?? trained?.pooling,
      seed: 0,
      fresh: folder !== undefined,
    })
    .finally(() => source.weights.close());
  const adapters = new AdapterSet(loaded.model);
  try {
    const warnings = [...loaded.model.warnings];
    if (folder !== undefined) {
      const adapter = await loadAdapter(adapters, folder, {
        methods: lab.plugins<AdapterMethod>('adapter-method').list(),
        resolve: resolver(lab),
      });
      warnings.push(...adapter.warnings);
    }
    const maxLength = options.maxLength ?? trained?.maxLength ?? loadedLength(task, loaded.model);
    const measured = await loaded.measure({ maxLength, evaluators, appendEnd: options.appendEnd });
    return {
      ...measured,
      task: task.name,
      ...(loaded.labels === undefined ? {} : { labels: loaded.labels.labels }),
      warnings,
    };
  } finally {
    disposeModel(loaded.model, adapters);
  }
}

/** Texts to score are taken whole, as far as the model goes; classifiers have their own length. */
function loadedLength({ output, defaults }: RunTask, { maxLength }: TaskModel): number {
  return output === 'losses' ? maxLength : defaults.maxLength;
}
