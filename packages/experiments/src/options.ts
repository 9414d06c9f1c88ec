/**
 * What a run is made of, as users write it in a script, a YAML file or on the command line; checked at the edge.
 *
 * The three choices are independent: how the frozen weights are kept (`base`), what is trained (`adapter`), and, for LoRAN,
 * the nonlinearity (`adapter.activation`).
 */
import { LoranError } from '@loran/plugin';
import { z } from 'zod';
import { baseChoice } from './base-choice.js';

export const targetModules = z.union([z.string(), z.array(z.string())]);

export const adapterOptions = z.looseObject({
  method: z.string().default('lora').describe('Name of the adapter method.'),
  targetModules: targetModules
    .optional()
    .describe(
      "Modules that get an adapter; default: the model family's. [] trains the classifier alone: a linear probe.",
    ),
});

export const dataOptions = z.strictObject({
  train: z.string().describe('A file, or the name of a dataset plugin.'),
  test: z.string().optional().describe('A file to measure on; default: a part of the training data is held out.'),
  testShare: z
    .number()
    .min(0)
    .lt(1)
    .default(0.1)
    .describe('Share held out when `test` is not given; 0: nothing is measured.'),
  textField: z.string().optional().describe("Field with the text; default 'text'."),
  labelField: z.string().optional().describe("Field with the label; default 'label'."),
  promptField: z.string().optional().describe("Field with the prompt; default 'prompt'."),
  completionField: z.string().optional().describe("Field with the completion; default 'completion'."),
  messagesField: z.string().optional().describe("Field with the turns of a conversation; default 'messages'."),
});

export const trainingOptions = z.strictObject({
  epochs: z.int().min(1).optional().describe('Times through the data; default 3, unless `steps` is given.'),
  steps: z.int().min(1).optional().describe('Updates, instead of epochs.'),
  batchSize: z.int().min(1).optional().describe('Examples in a batch; default 32, or 8 for language models.'),
  learningRate: z.number().positive().optional().describe('Peak rate; default 1e-3, or 5e-4 for language models.'),
  schedule: z.enum(['linear', 'cosine', 'constant']).default('linear'),
  warmupSteps: z.int().min(0).default(10),
  optimizer: z
    .enum(['adamw', 'adamw-8bit', 'sgd'])
    .default('adamw')
    .describe("'adamw-8bit' keeps the optimiser's state in 2 bytes a parameter instead of 8."),
  loraPlusRatio: z
    .number()
    .min(1)
    .optional()
    .describe("LoRA+: learning rate of B as a multiple of A's; default: the same, no LoRA+."),
  embeddingLearningRate: z
    .number()
    .positive()
    .optional()
    .describe('With LoRA+, peak rate of adapters on embeddings; default 1e-6, as in PEFT.'),
  weightDecay: z.number().min(0).default(0.01),
  maxGradientNorm: z.number().positive().default(1).describe('Gradients are scaled down to this norm.'),
  accumulate: z.int().min(1).default(1).describe('Batches in one update.'),
  maxLength: z
    .int()
    .min(2)
    .optional()
    .describe("Tokens of a text, at most the model's positions; default 128, or 512 for language models."),
  appendEnd: z.boolean().optional().describe('Whether texts and completions get the end token; default yes.'),
});

export type TrainingOptions = z.output<typeof trainingOptions>;

const preset = z
  .string()
  .optional()
  .describe(
    "Settings under one name, such as 'loran.paper', for `base` and `adapter`; what is given beside it counts.",
  );

/** What can be learned. */
export const taskNames = ['classification', 'language-model', 'sequence-to-sequence'] as const;

export const taskName = z
  .enum(taskNames)
  .optional()
  .describe('What is learned; default: what the fields of the data and the model say.');

const runFields = {
  model: z.string().describe("A model's folder, a GGUF file, or a name on the hub: 'org/name'."),
  addTokens: z
    .array(z.string().min(1))
    .default([])
    .describe('Tokens of your own: the vocabulary grows, and embedding and output head are trained whole.'),
  task: taskName,
  data: z.union([z.string().transform((train) => dataOptions.parse({ train })), dataOptions]),
  pooling: z
    .enum(['cls', 'mean', 'last'])
    .optional()
    .describe("How a text becomes one vector; default: the model's own way."),
  training: trainingOptions.prefault({}),
  evaluators: z
    .array(z.string())
    .min(1)
    .optional()
    .describe('What to measure; default accuracy and macro-f1, or perplexity for language models.'),
};

export const trainRunOptions = z.strictObject({
  ...runFields,
  preset,
  base: baseChoice
    .default('fp32')
    .describe("Storage of the frozen weights: a name, or { name: 'nf4', blockSize: 128 } with its options."),
  adapter: adapterOptions.prefault({}),
  startFrom: z
    .string()
    .optional()
    .describe('Folder of an adapter, or its name on the hub, to train further: its method, rank and modules are kept.'),
  seed: z.int().default(0),
  output: z.string().optional().describe('Folder to write; default: nothing is written.'),
  overwrite: z.boolean().default(false).describe('Replace the run that the folder holds.'),
});

export const experimentOptions = z.strictObject({
  ...runFields,
  arms: z
    .record(
      z.string(),
      z.strictObject({
        preset,
        base: baseChoice.default('fp32'),
        adapter: adapterOptions.prefault({}),
        training: trainingOptions.partial().optional(),
      }),
    )
    .refine((arms) => Object.keys(arms).length > 0, 'an experiment needs at least one arm'),
  baseline: z.string().optional().describe('The arm that the others are compared with; default: the first.'),
  seeds: z.array(z.int()).min(1).default([0]),
  output: z.string().optional().describe('Folder that gets one folder for each run; default: nothing is written.'),
  overwrite: z.boolean().default(false),
});

export type TrainRunOptions = z.input<typeof trainRunOptions>;
export type TrainRun = z.output<typeof trainRunOptions>;
export type ExperimentOptions = z.input<typeof experimentOptions>;
export type ExperimentPlan = z.output<typeof experimentOptions>;
export type DataOptions = z.output<typeof dataOptions>;

/** `input` checked, defaults filled in. Throws INVALID_OPTIONS, naming every field that is wrong. */
export function parseOptions<T>(schema: z.ZodType<T>, input: unknown): T {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path, message }) => `${path.join('.') || 'options'}: ${message}`);
  throw new LoranError('INVALID_OPTIONS', `${issues.join('; ')}.`, { cause: result.error });
}
