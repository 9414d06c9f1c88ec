/** A model with one adapter on it, as the options of a run ask for. */
import { type Adapter, AdapterSet, type AdapterMethod } from '@loran/adapter';
import type { Plugin, PluginKind } from '@loran/plugin';
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
  lab: Pick<Lab, 'plugins'>,
  { model, base, adapter: { method: methodName, targetModules, ...config }, pooling, seed }: TrainRun,
  data: TaskData,
): Promise<AdaptedModel> {
  const method = lab.plugins<AdapterMethod>('adapter-method').get(methodName); // named before the model is read
  const task = await data.load(lab, { model, base, pooling, seed, fresh: true });
  const adapters = new AdapterSet(task.model);
  try {
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

export function disposeModel(model: Pick<TaskModel, 'dispose'>, adapters: AdapterSet): void {
  for (const name of adapters.names()) adapters.remove(name);
  model.dispose();
}
