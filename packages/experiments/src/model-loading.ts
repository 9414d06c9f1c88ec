/** How a lab finds and loads models and adapters: from here or from the hub, with its storages and families. */
import type { BaseStorage } from '@loran/adapter';
import {
  fetchModel,
  type FetchedModel,
  type LanguageModelOptions,
  type Loading,
  type ModelFamily,
} from '@loran/models';
import { type BaseChoice, chosenStorage } from './base-choice.js';
import type { Lab } from './lab.js';
import { phaseListeners } from './phase-progress.js';
import { Services } from './services.js';

/** A model or an adapter: where it lies, or 'org/name' on the hub, which is fetched. Throws what @loran/hub does. */
export const fetched = ({ container }: Pick<Lab, 'container'>, name: string): Promise<FetchedModel> =>
  fetchModel(name, container.get(Services.download));

/** `base`: the frozen weights' storage. What a checkpoint holds packed stays so. Throws what chosenStorage does. */
export function modelLoading(
  lab: Pick<Lab, 'plugins' | 'container'>,
  base: BaseChoice,
): Omit<LanguageModelOptions, 'embeddings'> & Required<Pick<Loading, 'families'>> & { readonly base: BaseStorage } {
  const storages = lab.plugins<BaseStorage>('base-storage');
  return {
    base: chosenStorage(storages, base),
    packedBy: storages.list(),
    families: lab.plugins<ModelFamily>('model-family'),
    ...phaseListeners(lab).load,
  };
}
