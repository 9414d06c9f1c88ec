/** A model with one adapter on it, as the options of a run ask for. */
import { type Adapter, AdapterSet, type BaseStorage, type AdapterMethod } from '@loran/adapter';
import { loadSequenceClassifier, type ModelFamily, type SequenceClassifier } from '@loran/models';
import type { Plugin, PluginKind } from '@loran/plugin';
import type { Lab } from './lab.js';
import type { TrainRun } from './options.js';

export interface AdaptedModel {
  readonly classifier: SequenceClassifier;
  readonly adapters: AdapterSet;
  readonly adapter: Adapter;
  dispose(): void;
}

/** Looks plugins up by the names in a configuration: `resolve('activation', 'sinter')`. */
export const resolver =
  (lab: Pick<Lab, 'plugins'>) =>
  (kind: PluginKind, name: string): Plugin =>
    lab.plugins(kind).get(name);

/** Loads the model with a new classifier for `labels`, and adds the adapter that trains it. */
export async function adaptedModel(
  lab: Pick<Lab, 'plugins'>,
  { model, base, adapter: { method: methodName, targetModules, ...config }, pooling, seed }: TrainRun,
  labels: readonly string[],
): Promise<AdaptedModel> {
  const method = lab.plugins<AdapterMethod>('adapter-method').get(methodName); // named before the model is read
  const classifier = await loadSequenceClassifier(model, {
    labels,
    base: lab.plugins<BaseStorage>('base-storage').get(base),
    families: lab.plugins<ModelFamily>('model-family'),
    freshClassifier: true,
    seed,
    ...(pooling === undefined ? {} : { head: pooling }),
  });
  const adapters = new AdapterSet(classifier);
  try {
    const adapter = await adapters.add({
      method,
      config,
      targetModules: targetModules ?? classifier.targetModules,
      modulesToSave: classifier.outputHead,
      seed,
      resolve: resolver(lab),
    });
    return { classifier, adapters, adapter, dispose: () => disposeModel(classifier, adapters) };
  } catch (error) {
    classifier.dispose();
    throw error;
  }
}

export function disposeModel(classifier: SequenceClassifier, adapters: AdapterSet): void {
  for (const name of adapters.names()) adapters.remove(name);
  classifier.dispose();
}
