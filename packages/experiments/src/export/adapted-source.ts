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
  familyOfModel,
  fetchModel,
  loadGgufAdapter,
  loadLanguageModel,
  loadSequenceClassifier,
  loadSequenceToSequenceModel,
  type ModelFamily,
  type ModelSource,
  openModel,
  type StoredModel,
} from '@loran/models';
import { LoranError } from '@loran/plugin';
import { openEngine } from '@loran/tensor';
import { resolver } from '../adapter-setup.js';
import type { Lab } from '../lab.js';
import { Services } from '../services.js';
import { trainedWith } from '../trained-with.js';

export interface SourceChoice {
  readonly model: string;
  /** Folders of adapters, PEFT's or mlx-lm's, or llama.cpp's files; all are active. */
  readonly adapters: readonly string[];
  /** Storage of the frozen weights; default that of the adapter's training, or fp32. */
  readonly base?: string | undefined;
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
  const [first] = choice.adapters;
  const isPeft = first !== undefined && !isGguf(first) && !(await isMlx(first));
  const trained = isPeft ? await trainedWith(first) : undefined;
  const taskType = isPeft ? ((await readAdapterConfig(first)).task_type ?? undefined) : undefined;
  const { path: file } = await fetchModel(choice.model, lab.container.get(Services.download));
  await openEngine(lab.container.get(Services.engine), lab.container.get(Services.engineOptions));

  const families = lab.plugins<ModelFamily>('model-family');
  const base = lab.plugins<BaseStorage>('base-storage').get(choice.base ?? trained?.base ?? 'fp32');
  const family = await familyOfModel(file, { families });
  const asClassifier = trained?.task === 'classification' || taskType === 'SEQ_CLS';
  const options = { base, families };
  const model =
    asClassifier || (family.languageModel === undefined && family.sequenceToSequenceModel === undefined)
      ? await loadSequenceClassifier(file, {
          ...options,
          freshClassifier: first !== undefined,
          ...(trained?.labels === undefined ? {} : { labels: trained.labels }),
          ...(trained?.pooling === undefined ? {} : { head: trained.pooling }),
        })
      : family.languageModel === undefined
        ? await loadSequenceToSequenceModel(file, options)
        : await loadLanguageModel(file, options);

  const set = new AdapterSet(model);
  try {
    const loading = { methods: lab.plugins<AdapterMethod>('adapter-method').list(), resolve: resolver(lab) };
    const adapters: Adapter[] = [];
    const source = await openModel(file);
    for (const [i, place] of choice.adapters.entries()) {
      const named = { ...loading, name: i === 0 ? 'default' : path.parse(path.resolve(place)).name };
      if (isGguf(place)) adapters.push(await loadGgufAdapter(source, model, set, place, named));
      else adapters.push(await ((await isMlx(place)) ? loadMlxAdapter : loadAdapter)(set, place, named));
    }
    return {
      source,
      model,
      storage: base,
      set,
      adapters,
      taskType: taskType ?? (family.languageModel === undefined ? undefined : 'CAUSAL_LM'),
      async close() {
        await source.weights.close();
        for (const name of set.names()) set.remove(name);
        model.dispose();
      },
    };
  } catch (error) {
    for (const name of set.names()) set.remove(name);
    model.dispose();
    throw error;
  }
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
  return entries.includes('adapters.safetensors') && !entries.includes('adapter_model.safetensors');
}
