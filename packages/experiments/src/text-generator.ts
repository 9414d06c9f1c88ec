/** A language model with its adapters, ready to continue texts and to answer; or one that writes texts from others (T5). */
import { type AdapterMethod, AdapterSet, inference, loadAdapter } from '@loran/adapter';
import type { ChatMessage, ChatTemplateOptions, GeneratedToken, GenerationOptions } from '@loran/models';
import { openEngine } from '@loran/tensor';
import * as tf from '@tensorflow/tfjs-core';
import path from 'node:path';
import { z } from 'zod';
import { disposeModel, resolver } from './adapter-setup.js';
import { type BaseChoice, baseChoice } from './base-choice.js';
import type { Lab } from './lab.js';
import { fetched, modelLoading } from './model-loading.js';
import { parseOptions } from './options.js';
import { Services } from './services.js';
import { loadTextModel, type TextModel, writerOf } from './text-model.js';
import { baseFor, trainedWith } from './trained-with.js';
import { openWithVocabulary } from './vocabulary/open-model.js';

const adapterChoice = z.union([
  z.string().transform((folder) => ({ folder, name: undefined, scale: undefined })),
  z.strictObject({
    folder: z.string(),
    name: z.string().optional().describe("Default: 'default', then the folder's name."),
    scale: z.number().optional().describe('Factor of its update; default 1, as trained.'),
  }),
]);

const generatorOptions = z.strictObject({
  model: z.string().describe("A model's folder, a GGUF file, or a name on the hub: 'org/name'."),
  adapters: z
    .array(adapterChoice)
    .default([])
    .describe('Adapter folders; all are active, unless texts choose their own.'),
  base: baseChoice
    .optional()
    .describe("Storage of the frozen weights; default: that of the first adapter's training, or fp32."),
  merge: z
    .boolean()
    .default(false)
    .describe(
      'Compute with the adapters merged into the weights: each token costs what it costs the base, and the layers that they are on take fp32 memory besides. Texts cannot choose adapters then.',
    ),
});

export type GeneratorOptions = z.input<typeof generatorOptions>;

/** A prompt as a text, or as the turns of a conversation that the chat template renders. */
export type Prompt = string | readonly ChatMessage[];

export interface StreamOptions extends GenerationOptions {
  /** One adapter for each prompt by name, null for the base model; default: all adapters for every prompt. */
  readonly adapters?: readonly (string | null)[];
  /** Of conversations: tools and variables of the template. */
  readonly chat?: Pick<ChatTemplateOptions, 'tools' | 'variables' | 'template'>;
}

export interface TextGenerator {
  readonly model: TextModel;
  /** Names of the adapters, in the order they were given. */
  readonly adapters: readonly string[];
  /** What a user should know about the checkpoint and the adapters. */
  readonly warnings: readonly string[];
  /** The ids of a prompt, as they are given to the model. Throws NO_CHAT_TEMPLATE, CHAT_TEMPLATE. */
  encode(prompt: Prompt, chat?: StreamOptions['chat']): Promise<readonly number[]>;
  /** Streams what follows each prompt; see `generate` of @loran/models. */
  stream(
    prompts: readonly Prompt[],
    options?: StreamOptions,
    signal?: AbortSignal,
  ): AsyncGenerator<GeneratedToken, void, void>;
  dispose(): void;
}

/** Loads the model and its adapters. Throws what loading them does, and INVALID_OPTIONS. */
export async function textGenerator(lab: Lab, input: GeneratorOptions): Promise<TextGenerator> {
  const options = parseOptions(generatorOptions, input);
  await openEngine(lab.container.get(Services.engine), lab.container.get(Services.engineOptions));
  const chosen: { readonly folder: string; readonly name: string; readonly scale: number | undefined }[] = [];
  for (const [i, { folder: place, name, scale }] of options.adapters.entries()) {
    const { path: folder } = await fetched(lab, place);
    chosen.push({ folder, name: name ?? (i === 0 ? 'default' : path.basename(path.resolve(place))), scale });
  }
  const [first] = chosen;
  const trained = first === undefined ? undefined : await trainedWith(first.folder);
  const model = await loadAsWriter(lab, {
    model: options.model,
    base: baseFor(lab, options.base, trained),
    adapters: chosen.map(({ folder }) => folder),
  });
  const warnings = [...model.warnings];
  const set = new AdapterSet(model);
  try {
    for (const { folder, name, scale } of chosen) {
      const adapter = await loadAdapter(set, folder, {
        methods: lab.plugins<AdapterMethod>('adapter-method').list(),
        resolve: resolver(lab),
        name,
      });
      if (scale !== undefined) adapter.scale = scale;
      warnings.push(...adapter.warnings);
    }
    if (options.merge) await set.merge();
  } catch (error) {
    disposeModel(model, set);
    throw error;
  }

  const writer = writerOf(model);
  const encode: TextGenerator['encode'] = async (prompt, chat) => {
    if (typeof prompt === 'string') return writer.promptIds(prompt);
    const { tokenizer } = model;
    const text = await tokenizer.applyChatTemplate(prompt, { addGenerationPrompt: true, ...chat });
    return tokenizer.encode([text], { addSpecialTokens: false, allowSpecial: true })[0] ?? [];
  };

  return {
    model,
    adapters: set.names(),
    warnings,
    encode,
    async *stream(prompts, { adapters, chat, ...generation } = {}, signal) {
      const ids: (readonly number[])[] = [];
      for (const prompt of prompts) ids.push(await encode(prompt, chat));
      const rows = adapters === undefined ? undefined : set.rows(adapters);
      try {
        const context = { signal, ...(rows === undefined ? {} : { pass: { ...inference, rows } }) };
        yield* writer.write(ids, generation, context);
      } finally {
        tf.dispose([...(rows?.values() ?? [])]);
      }
    },
    dispose: () => {
      disposeModel(model, set);
    },
  };
}

async function loadAsWriter(
  lab: Lab,
  {
    model,
    base,
    adapters,
  }: { readonly model: string; readonly base: BaseChoice; readonly adapters: readonly string[] },
): Promise<TextModel> {
  const { path: file } = await fetched(lab, model);
  const loading = modelLoading(lab, base);
  const { source, family } = await openWithVocabulary(file, { families: loading.families, adapters });
  try {
    return await loadTextModel(source, family, loading);
  } finally {
    await source.weights.close();
  }
}
