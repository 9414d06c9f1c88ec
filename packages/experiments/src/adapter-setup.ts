/** A model with one adapter on it, as the options of a run ask for. */
import { type Adapter, AdapterSet, type AdapterMethod, loadAdapter } from '@loran/adapter';
import type { ModelFamily } from '@loran/models';
import { LoranError, type Plugin, type PluginKind } from '@loran/plugin';
import { baseName } from './base-choice.js';
import { calibration } from './calibration.js';
import type { Lab } from './lab.js';
import type { TrainRun } from './options.js';
import type { LoadedTask, SettledTraining, TaskData, TaskModel } from './task/run-task.js';
import { openWithVocabulary } from './vocabulary/open-model.js';

export interface AdaptedModel {
  readonly task: LoadedTask;
  readonly adapters: AdapterSet;
  readonly adapter: Adapter;
  /** That of the frozen weights. */
  readonly storage: Plugin;
  /** Whether the tokenizer is another than the base model's. */
  readonly ownTokenizer: boolean;
  dispose(): void;
}

/** Looks plugins up by the names in a configuration: `resolve('activation', 'sinter')`. */
export const resolver =
  (lab: Pick<Lab, 'plugins'>) =>
  (kind: PluginKind, name: string): Plugin =>
    lab.plugins(kind).get(name);

/** Loads the model that the data are for, and adds the adapter that is trained. */
export async function adaptedModel(
  lab: Pick<Lab, 'plugins' | 'container'>,
  run: TrainRun,
  data: TaskData,
  training: SettledTraining,
): Promise<AdaptedModel> {
  const { model, base, adapter: choice, addTokens, startFrom, pooling, seed } = run;
  const { method: methodName, targetModules, ...config } = choice;
  const methods = lab.plugins<AdapterMethod>('adapter-method');
  const method = methods.get(methodName); // named before the model is read
  if (startFrom !== undefined) {
    refuseSettings(startFrom, {
      ...config,
      ...(targetModules && { targetModules }),
      ...(addTokens.length > 0 && { addTokens }),
    });
  }
  const families = lab.plugins<ModelFamily>('model-family');
  const adapters = startFrom === undefined ? [] : [startFrom];
  const { source, family, ownTokenizer } = await openWithVocabulary(model, { families, adapters, addTokens });
  const task = await data
    .load(lab, { model: source, base, pooling, seed, fresh: true })
    .finally(() => source.weights.close());
  const set = new AdapterSet(task.model);
  const done = (adapter: Adapter): AdaptedModel => ({
    task,
    adapters: set,
    adapter,
    storage: lab.plugins('base-storage').get(baseName(base)),
    ownTokenizer,
    dispose: () => disposeModel(task.model, set),
  });
  try {
    if (startFrom !== undefined) {
      return done(await loadAdapter(set, startFrom, { methods: methods.list(), resolve: resolver(lab) }));
    }
    const embeddings = addTokens.length === 0 ? [] : vocabularyModulesOf(task.model, family);
    const adapter = await set.add({
      method,
      config,
      targetModules: targetModules ?? task.model.targetModules,
      modulesToSave: [...task.modulesToSave, ...embeddings],
      ensureWeightTying: embeddings.some((name) => isTied(task.model, name)),
      seed,
      resolve: resolver(lab),
      calibrate: calibration(task, { ...training, seed }),
    });
    return done(adapter);
  } catch (error) {
    task.model.dispose();
    throw error;
  }
}

/** Names of the modules that the model has of those with a row for each token. */
function vocabularyModulesOf(model: TaskModel, { vocabularyModules = [] }: ModelFamily): string[] {
  const paths = [...model.modules().keys()];
  return vocabularyModules.filter((name) => paths.some((path) => endsWith(path, name)));
}

const isTied = (model: TaskModel, name: string): boolean =>
  [...(model.tied?.keys() ?? [])].some((path) => endsWith(path, name));

const endsWith = (path: string, name: string): boolean => path === name || path.endsWith(`.${name}`);

/** A setting beside an adapter that is trained further would be ignored. Throws ADAPTER_SETTINGS. */
function refuseSettings(startFrom: string, settings: object): void {
  const given = Object.keys(settings);
  if (given.length === 0) return;
  throw new LoranError(
    'ADAPTER_SETTINGS',
    `The adapter of '${startFrom}' keeps its own configuration; ${given.join(', ')} cannot be changed. Leave them out, or begin a new adapter.`,
  );
}

export function disposeModel(model: Pick<TaskModel, 'dispose'>, adapters: AdapterSet): void {
  adapters.clear();
  model.dispose();
}
