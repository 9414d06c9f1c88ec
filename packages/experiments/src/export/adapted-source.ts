/** A model with trained adapters on it, and the files it came from: what is merged and converted. */
import fs from 'node:fs/promises';
import path from 'node:path';
import {
  type Adapter,
  type AdapterMethod,
  AdapterSet,
  type BaseStorage,
  loadAdapter,
  loadMlxAdapter,
  readAdapterConfig,
} from '@loran/adapter';
import {
  type LanguageModelOptions,
  type Loading,
  loadGgufAdapter,
  loadSequenceClassifier,
  type ModelFamily,
  type ModelSource,
  type StoredModel,
} from '@loran/models';
import { LoranError } from '@loran/plugin';
import { openEngine } from '@loran/tensor';
import { disposeModel, resolver } from '../adapter-setup.js';
import { type BaseChoice, baseName } from '../base-choice.js';
import type { Lab } from '../lab.js';
import { fetched, modelLoading } from '../model-loading.js';
import { Services } from '../services.js';
import type { TaskModel } from '../task/run-task.js';
import { loadTextModel } from '../text-model.js';
import { baseFor, trainedWith } from '../trained-with.js';
import { openWithVocabulary } from '../vocabulary/open-model.js';

export interface SourceChoice {
  readonly model: string;
  /** Folders of adapters, PEFT's or mlx-lm's, or llama.cpp's files; all are active. */
  readonly adapters: readonly string[];
  /** Storage of the frozen weights; default that of the adapter's training, or fp32. */
  readonly base?: BaseChoice | undefined;
  /** Name of the only storage that will do; default: any. */
  readonly onlyBase?: string | undefined;
}

export interface AdaptedSource {
  readonly source: ModelSource;
  readonly model: StoredModel & { readonly family: string; readonly warnings: readonly string[] };
  /** That of the frozen weights. */
  readonly storage: BaseStorage;
  readonly set: AdapterSet;
  readonly adapters: readonly Adapter[];
  /** PEFT's task type, for who writes an adapter again. */
  readonly taskType: string | undefined;
  close(): Promise<void>;
}

/** Throws what loading the model and the adapters does. */
export async function adaptedSource(lab: Lab, choice: SourceChoice): Promise<AdaptedSource> {
  const places: string[] = [];
  for (const adapter of choice.adapters) places.push((await fetched(lab, adapter)).path);
  const about = await aboutAdapter(places[0]);
  const { path: file } = await fetched(lab, choice.model);
  await openEngine(lab.container.get(Services.engine), lab.container.get(Services.engineOptions));
  const loading = modelLoading(lab, baseOf(lab, choice, about));
  const { source, family } = await openWithVocabulary(file, { families: loading.families, adapters: places });
  try {
    const model = await loadFor(source, family, about, loading);
    const set = new AdapterSet(model);
    try {
      const adapters = await addAdapters(lab, source, model, set, places);
      return {
        source,
        model,
        storage: loading.base,
        set,
        adapters,
        taskType: about.taskType ?? (family.languageModel === undefined ? undefined : 'CAUSAL_LM'),
        async close() {
          await source.weights.close();
          disposeModel(model, set);
        },
      };
    } catch (error) {
      disposeModel(model, set);
      throw error;
    }
  } catch (error) {
    await source.weights.close();
    throw error;
  }
}

/** Throws FORMAT_BASE where another storage was asked for than the one that will do. */
function baseOf(lab: Lab, { base, onlyBase }: SourceChoice, { trained }: AboutAdapter): BaseChoice {
  if (onlyBase === undefined) return baseFor(lab, base, trained);
  if (base !== undefined && baseName(base) !== onlyBase) {
    throw new LoranError(
      'FORMAT_BASE',
      `This format keeps the weights in '${onlyBase}'; the base storage '${baseName(base)}' was asked for. Leave it out.`,
    );
  }
  return [base, trained?.base].find((choice) => choice !== undefined && baseName(choice) === onlyBase) ?? onlyBase;
}

interface AboutAdapter {
  /** Whether there is an adapter at all: then heads begin anew, to be filled by it. */
  readonly given: boolean;
  readonly trained: Awaited<ReturnType<typeof trainedWith>>;
  readonly taskType: string | undefined;
}

/** What PEFT's files and a run say of an adapter; other formats say nothing. */
async function aboutAdapter(place: string | undefined): Promise<AboutAdapter> {
  if (place === undefined || isGguf(place) || (await isMlx(place))) {
    return { given: place !== undefined, trained: undefined, taskType: undefined };
  }
  const trained = await trainedWith(place);
  return { given: true, trained, taskType: (await readAdapterConfig(place)).task_type ?? undefined };
}

/** The model that the adapter was trained as: a classifier where that is what it learned, or all that the family can be. */
function loadFor(
  source: ModelSource,
  family: ModelFamily,
  { given, trained, taskType }: AboutAdapter,
  options: LanguageModelOptions & Loading,
): Promise<AdaptedSource['model'] & Pick<TaskModel, 'dispose'>> {
  const learned = trained?.task === 'classification' || taskType === 'SEQ_CLS';
  if (!learned && (family.languageModel !== undefined || family.sequenceToSequenceModel !== undefined)) {
    return loadTextModel(source, family, options);
  }
  return loadSequenceClassifier(source, {
    ...options,
    freshClassifier: given,
    ...(trained?.labels === undefined ? {} : { labels: trained.labels }),
    ...(trained?.pooling === undefined ? {} : { head: trained.pooling }),
  });
}

async function addAdapters(
  lab: Lab,
  source: ModelSource,
  model: AdaptedSource['model'],
  set: AdapterSet,
  places: readonly string[],
): Promise<Adapter[]> {
  const loading = { methods: lab.plugins<AdapterMethod>('adapter-method').list(), resolve: resolver(lab) };
  const adapters: Adapter[] = [];
  for (const [i, place] of places.entries()) {
    const own = path.parse(path.resolve(place)).name;
    const name = i === 0 ? 'default' : set.names().includes(own) ? `${own}-${i + 1}` : own; // two runs' folders: a/adapter, b/adapter
    const named = { ...loading, name };
    if (isGguf(place)) adapters.push(await loadGgufAdapter(source, model, set, place, named));
    else adapters.push(await ((await isMlx(place)) ? loadMlxAdapter : loadAdapter)(set, place, named));
  }
  return adapters;
}

/** The adapter that a conversion of one is about. Throws NO_ADAPTER. */
export function onlyAdapter({ adapters }: AdaptedSource, format: string): Adapter {
  const [adapter] = adapters;
  if (adapter !== undefined && adapters.length === 1) return adapter;
  throw new LoranError(
    'NO_ADAPTER',
    `'${format}' is a format of one adapter; ${adapters.length === 0 ? 'none was given' : `${adapters.length} were given`}. Name it with --adapter FOLDER.`,
  );
}

const isGguf = (file: string): boolean => /\.gguf$/i.test(file);

async function isMlx(folder: string): Promise<boolean> {
  const entries = await fs.readdir(folder).catch(() => [] as string[]);
  return entries.includes('adapters.safetensors') && !entries.some((entry) => entry.startsWith('adapter_model.'));
}
