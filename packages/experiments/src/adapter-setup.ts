/** A model with one adapter on it, as the options of a run ask for. */
import { type Adapter, AdapterSet, type AdapterMethod, loadAdapter } from '@loran/adapter';
import { LoranError, type Plugin, type PluginKind } from '@loran/plugin';
import type { Lab } from './lab.js';
import type { TrainRun } from './options.js';
import type { LoadedTask, TaskData, TaskModel } from './task/run-task.js';

export interface AdaptedModel {
  readonly task: LoadedTask;
  readonly adapters: AdapterSet;
  readonly adapter: Adapter;
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
  { model, base, adapter: { method: methodName, targetModules, ...config }, startFrom, pooling, seed }: TrainRun,
  data: TaskData,
): Promise<AdaptedModel> {
  const methods = lab.plugins<AdapterMethod>('adapter-method');
  const method = methods.get(methodName); // named before the model is read
  if (startFrom !== undefined) refuseSettings(startFrom, { ...config, ...(targetModules && { targetModules }) });
  const task = await data.load(lab, { model, base, pooling, seed, fresh: true });
  const adapters = new AdapterSet(task.model);
  try {
    if (startFrom !== undefined) {
      const adapter = await loadAdapter(adapters, startFrom, { methods: methods.list(), resolve: resolver(lab) });
      return { task, adapters, adapter, dispose: () => disposeModel(task.model, adapters) };
    }
    const adapter = await adapters.add({
      method,
      config,
      targetModules: targetModules ?? task.model.targetModules,
      modulesToSave: task.modulesToSave,
      seed,
      resolve: resolver(lab),
    });
    return { task, adapters, adapter, dispose: () => disposeModel(task.model, adapters) };
  } catch (error) {
    task.model.dispose();
    throw error;
  }
}

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
  for (const name of adapters.names()) adapters.remove(name);
  model.dispose();
}
